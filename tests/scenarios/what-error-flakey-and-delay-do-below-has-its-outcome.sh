# Each device below a primary and a secondary becomes one of dm's own that fail or
# are slow: a read and a write have an outcome, the first error is told, and when it
# is as before all works again, with both legs or the disk as they must be.
# dmesg: I/O error
. legs.sh

# What is read lies below, in a clean region; of a buffer, in the inbound layer.
# below   target  read   write get_error
TABLE='
local     error   ok     EIO   EIO.local.write
local     flakey  ok     EIO   EIO.local.write
local     delay   ok     ok    ok
remote    error   ok     ok    EIO.remote
remote    flakey  ok     ok    EIO.remote.write
remote    delay   ok     ok    ok
log       error   ok     EIO   EIO.dirty_log.write
log       flakey  ok     EIO   EIO.dirty_log.write
log       delay   ok     ok    ok
disk      error   EIO    ok    EIO.disk.read
disk      flakey  ok     ok    ok
disk      delay   ok     ok    ok
buffer    error   EIO    EIO   EIO.inbound.read
buffer    flakey  ok     EIO   EIO.inbound.write
buffer    delay   ok     ok    ok
'
P=/dev/mapper/pri I=/dev/mapper/in

# turn NAME TARGET: what it is from now on
turn()
{
	case $2 in
	error) break_device "$1" ;;
	flakey) break_device "$1" writes ;;
	delay) slow "$1" 50 ;;
	esac
}

linear local /dev/ram0 0 4096
linear remote /dev/ram1 0 4096
linear log /dev/ram2 0 64
linear disk /dev/ram3 0 4096
linear buffer /dev/ram4 0 8192
fill /dev/mapper/local 0 4096 1
fill /dev/mapper/remote 0 4096 1
fill /dev/mapper/disk 0 4096 1
primary pri /dev/mapper/local /dev/mapper/remote nosync region_size 128 dirty_log /dev/mapper/log
secondary sec /dev/mapper/disk /dev/mapper/buffer
inbound in sec
msg pri start primary
msg sec start secondary

tag=1
while read -r below target reads writes told; do
	[ -n "$below" ] || continue
	note "$below: $target"
	tag=$((tag + 1))
	# a region that has no mark yet
	where=$((tag * 128))
	case $below in
	disk | buffer) name=sec view=$I from=0 ;;
	*) name=pri view=$P from=2048 ;;
	esac
	[ "$below" != buffer ] || from=64
	good=$(table "$below")
	fill $I 64 64 2
	turn "$below" "$target"
	outcome "$reads" op read "$view" $from 64 $((from == 64 ? 2 : 1))
	outcome "$writes" op write "$view" $where 8 $tag
	matches "get_error" "$(msg $name get_error)" "^${told//./ }( |\$)"
	dm_load "$below" "$good" --noflush --nolockfs

	# mended
	op write "$view" $where 8 $tag
	if [ $name = pri ]; then
		msg pri stop
		msg pri start primary
		wait_status pri ' 32/32 online 0 - '
		msg pri checkpoint >/dev/null
		same /dev/mapper/local /dev/mapper/remote
	else
		msg sec stop
		equal "the disk" "$(tags /dev/mapper/disk 64 64) $(tags /dev/mapper/disk $where 8)" \
			"2x64 ${tag}x8"
		msg sec start secondary
	fi
	equal "get_error" "$(msg $name get_error)" ok
	equal "what was written" "$(tags "$view" $where 8)" ${tag}x8
done <<<"$TABLE"
