# A wrong table line of a primary makes no device, touches no leg, and says why.

linear local /dev/ram0 0 4096
linear remote /dev/ram1 0 4096
linear tiny /dev/ram2 0 2048
linear small /dev/ram3 0 16
linear foreign /dev/ram4 0 64
fill /dev/mapper/foreign 0 64 3
L=/dev/mapper/local R=/dev/mapper/remote
fill $L 0 4096 1
fill $R 0 4096 2
before="$(checksum $L) $(checksum $R)"

# line REGEX ARGS: an argument list behind "primary"
line()
{
	refused "$1" "0 4096 replication $2"
}

note "arguments are missing or too many"
line 'replication' ''
line 'replication' 'primary'
line 'replication' "primary $L"
line 'replication.*(nobody|form)' "nobody $L $R"
line 'replication' "primary $L $R 1"
line 'replication' "primary $L $R 3 region_size 128"
line 'replication' "primary $L $R 1 region_size 128"
line 'replication' "primary $L $R 1 region_size"
line 'replication' "primary $L $R 1 group"
line 'replication' "primary $L $R -1"
line 'replication' "primary $L $R 99999999999999999999"
line 'replication' "primary $L $R some"

note "devices"
line 'replication' "primary /dev/nothing $R 0"
line 'replication' "primary $L /dev/nothing 0"
line 'replication' "primary $L $L 0"
line 'replication' "primary $L /dev/mapper/tiny 0"
line 'replication' "primary /dev/mapper/tiny $R 0"

note "options"
line 'replication.*bogus' "primary $L $R 1 bogus"
line 'replication.*high_watermark' "primary $L $R 2 high_watermark 50"
for size in 0 1 4 1000 2049 -8 garbage 128k 0x100g 4294967304 '' 18446744073709551616 9223372036854775808 4294967296; do
	[ -n "$size" ] || continue
	line 'replication.*region_size' "primary $L $R 2 region_size $size"
done
size=$((1 << 34))
for name in huge huger; do
	dm_create $name "0 $size zero"
done
for options in '2 region_size 8' '4 region_size 8 dirty_log /dev/mapper/foreign'; do
	refused 'replication.*Too many regions: raise region_size' \
		"0 $size replication primary /dev/mapper/huge /dev/mapper/huger $options"
done
dm_remove huge huger
line 'replication.*group' "primary $L $R 2 group $(printf 'g%.0s' {1..32})"
line 'replication.*group' "primary $L $R 2 group $(printf 'g%.0s' {1..500})"
line 'replication.*on_remote_error' "primary $L $R 2 on_remote_error explode"

for size in 0 7 -8 garbage 2147483648 4294967296 4294967304 99999999999999999999; do
	line 'replication.*max_behind' "primary $L $R 3 async max_behind $size"
done
line 'replication.*max_behind' "primary $L $R 2 max_behind 1024"
line 'replication.*sync' "primary $L $R 2 sync async"
line 'replication.*twice' "primary $L $R 2 async async"
line 'replication.*dirty log' "primary $L $R 2 dirty_log /dev/nothing"
line 'replication.*too small' "primary $L $R 2 dirty_log /dev/mapper/small"
line 'replication.*overlap' "primary $L $R 2 dirty_log $R"
line 'replication.*something else' "primary $L $R 2 dirty_log /dev/mapper/foreign"

note "an option whose machinery is not there"
line 'replication.*inband' "primary $L $R 1 inband"

equal "the legs" "$(checksum $L) $(checksum $R)" "$before"
note "and the right one is accepted"
primary pri $L $R region_size 128 group "$(printf 'g%.0s' {1..31})"
