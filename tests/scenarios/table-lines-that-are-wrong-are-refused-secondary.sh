# A wrong table line of a secondary makes no device, touches neither disk nor
# buffer, and says why.

linear disk /dev/ram0 0 8192
linear buffer /dev/ram1 0 8192
linear tiny /dev/ram2 0 1024
D=/dev/mapper/disk B=/dev/mapper/buffer T=/dev/mapper/tiny
fill $D 0 8192 1
before="$(checksum $D) $(checksum $B) $(checksum $T)"

line()
{
	refused "$1" "0 8192 replication $2"
}

note "arguments are missing or too many"
line 'replication' 'secondary'
line 'replication' "secondary $D"
line 'replication' "secondary $D $B 1"
line 'replication' "secondary $D $B 2 high_watermark"
line 'replication' "secondary $D $B 1 high_watermark 50"
line 'replication' "secondary $D $B 1 high_watermark"
line 'replication' "secondary $D $B nothing"

note "devices"
line 'replication' "secondary /dev/nothing $B 0"
line 'replication' "secondary $D /dev/nothing 0"
line 'replication' "secondary $D $D 0"
line 'replication' "secondary $T $B 0"
line 'replication' "secondary $D $T 0"
dm_create huge "0 $((1 << 31)) zero"
line 'replication.*The buffer is too large: it has 2147483648 sectors' \
	"secondary $D /dev/mapper/huge 0"
dm_remove huge

note "options"
line 'replication.*bogus' "secondary $D $B 1 bogus"
line 'replication.*region_size' "secondary $D $B 2 region_size 128"
for percent in 0 101 -1 garbage 50% 4294967346 99999999999999999999; do
	line 'replication.*high_watermark' "secondary $D $B 2 high_watermark $percent"
done
line 'replication.*group' "secondary $D $B 2 group $(printf 'g%.0s' {1..32})"
line 'replication.*inband' "secondary $D $B 1 inband"
equal "disk and buffer" "$(checksum $D) $(checksum $B) $(checksum $T)" "$before"

# foreign WHAT: what is in the buffer now is nobody's business to overwrite
foreign()
{
	local sum
	sum=$(checksum $B)
	note "a buffer with $1"
	line 'replication.*(buffer|superblock)' "secondary $D $B 0"
	equal "a buffer with $1" "$(checksum $B)" "$sum"
}

mke2fs -q -t ext4 /dev/mapper/buffer
blockdev --flushbufs $B
foreign "a file system"
fill $B 0 8192 7
foreign "a pattern"
blkdiscard -f -z $B
pattern cat $D 0 1 | dd of=$B bs=512 seek=7 oflag=direct iflag=fullblock 2>/dev/null
foreign "one sector that is not zero within the first 4096 bytes"
blkdiscard -f -z $B
dd if=/dev/urandom of=$B bs=4096 count=1 oflag=direct 2>/dev/null
foreign "random bytes"
equal "the disk" "$(checksum $D)" "${before%% *}"

note "and the right one is accepted"
blkdiscard -f -z $B
secondary sec $D $B high_watermark 100 group "$(printf 'g%.0s' {1..31})"
