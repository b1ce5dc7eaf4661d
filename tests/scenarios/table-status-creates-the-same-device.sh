# The line that `dmsetup table` prints creates the same device.
# stock: the name of a device that is held (compat.h)

linear local /dev/ram0 0 8192
linear remote /dev/ram1 0 8192
linear disk /dev/ram2 0 8192
linear buffer /dev/ram3 0 8192

# again NAME: as its own table line has it
again()
{
	local line
	line=$(table "$1")
	dm_remove "$1"
	# a used buffer would be recovered, or refused
	[[ $line != *secondary* ]] || blkdiscard -f -z /dev/mapper/buffer
	dm_create "$1" "$line"
	equal "table of $1" "$(table "$1")" "$line"
	LINE=$line
}

for options in '' 'region_size 256' nosync sync 'on_remote_error degrade' 'group other' \
		'region_size 8192 nosync sync on_remote_error degrade group a-b_c.1'; do
	# shellcheck disable=SC2086 # words of the table line
	primary pri /dev/mapper/local /dev/mapper/remote $options
	again pri
	# what is not the default must be there
	for word in 256 nosync other 8192 a-b_c.1; do
		[[ " $options " != *" $word "* ]] || matches "table for '$options'" "${LINE#* 8192}" " $word( |\$)"
	done
	note "$LINE"
	dm_remove pri
done

for options in '' 'group other' 'high_watermark 33' 'high_watermark 100 group x' 'high_watermark 1'; do
	blkdiscard -f -z /dev/mapper/buffer
	# shellcheck disable=SC2086
	secondary sec /dev/mapper/disk /dev/mapper/buffer $options
	again sec
	for word in 'group other' 'group x' 'high_watermark 33' 'high_watermark 100' 'high_watermark 1'; do
		[[ "$options " != *"$word "* ]] || matches "table for '$options'" "$LINE" " $word( |\$)"
	done
	note "$LINE"
	inbound in sec
	again in
	dm_remove in sec
done

note "without the count of arguments"
dm_create pri "0 8192 replication primary /dev/mapper/local /dev/mapper/remote"
again pri
blkdiscard -f -z /dev/mapper/buffer
dm_create sec "0 8192 replication secondary /dev/mapper/disk /dev/mapper/buffer"
again sec
dm_create in "0 8192 replication inbound /dev/mapper/sec"
again in
