# A dirty log that is not this primary's makes no device, is not written, and
# the kernel log says why; the same holds for legs that are not the log's.

linear local /dev/ram0 0 32768
linear remote /dev/ram1 0 32768
linear log /dev/ram2 0 64
linear log2 /dev/ram2 64 64
linear small /dev/ram2 128 16
linear foreign /dev/ram2 192 64
linear local2 /dev/ram3 0 32768
linear remote2 /dev/ram4 0 32768
L=/dev/mapper/local R=/dev/mapper/remote G=/dev/mapper/log P=/dev/mapper/pri
fill $L 0 32768 1
fill /dev/mapper/local2 0 32768 2
fill /dev/mapper/foreign 0 64 3

dmsetup create pri --uuid mine --table "0 32768 replication primary $L $R 5 nosync region_size 128 dirty_log $G"
fill $P 0 8 1

note "in use"
expect_errno EBUSY dmsetup create wrong --table \
	"0 32768 replication primary /dev/mapper/local2 /dev/mapper/remote2 4 region_size 128 dirty_log $G"
refused 'replication.*in use' \
	"0 32768 replication primary /dev/mapper/local2 /dev/mapper/remote2 4 region_size 128 dirty_log $G"
for args in "" "3 nosync dirty_log /dev/mapper/log2" "5 nosync region_size 128 dirty_log /dev/mapper/log2" \
		"3 nosync region_size 128"; do
	klog_since
	check_not dmsetup load pri --table "0 32768 replication primary $L $R $args" 2>/dev/null
	klog_has 'replication.*cannot change'
done
msg pri start primary
wait_status pri ' 256/256 online 0 - '
for _ in 1 2 3; do
	msg pri checkpoint >/dev/null
done
dm_load pri "0 32768 replication primary $L $R 6 region_size 128 dirty_log $G group other"
matches "status" "$(status pri)" ' running 4 256/256 online 0 - '
fill $P 12800 8 1
dm_remove pri

note "of another"
before="$(checksum $G) $(checksum $L) $(checksum $R)"
refused 'replication.*belongs to a primary of 32768 sectors, this one has 32760' \
	"0 32760 replication primary $L $R 4 region_size 128 dirty_log $G"
refused 'replication.*region_size of 128, the table 256' \
	"0 32768 replication primary $L $R 4 region_size 256 dirty_log $G"
refused 'replication.*region_size of 128, the table 2048' \
	"0 32768 replication primary $L $R 2 dirty_log $G"
for uuid in min mine2 yours; do
	klog_since
	check_not dmsetup create wrong --uuid $uuid --table \
		"0 32768 replication primary $L $R 4 region_size 128 dirty_log $G" 2>/dev/null
	klog_has 'replication.*belongs to another primary: its UUID is mine'
done
refused 'replication.*local leg is not the dirty log.s' \
	"0 32768 replication primary /dev/mapper/local2 $R 4 region_size 128 dirty_log $G"
expect_errno EUCLEAN dmsetup create wrong --table \
	"0 32768 replication primary /dev/mapper/local2 $R 5 nosync region_size 128 dirty_log $G"

note "not a dirty log"
refused 'replication.*too small' \
	"0 32768 replication primary $L $R 4 region_size 128 dirty_log /dev/mapper/small"
refused 'replication.*something else' \
	"0 32768 replication primary $L $R 4 region_size 128 dirty_log /dev/mapper/foreign"
refused 'replication.*overlap' "0 32768 replication primary $L $R 4 region_size 128 dirty_log $L"
refused 'replication.*overlap' "0 32768 replication primary $L $R 4 region_size 128 dirty_log $R"
secondary sec /dev/mapper/local2 /dev/ram5
dm_remove sec
refused 'replication.*dirty log' \
	"0 32768 replication primary $L $R 4 region_size 128 dirty_log /dev/ram5"
klog_since
check_not dmsetup create wrong --table "0 32768 replication secondary /dev/mapper/local2 $G" 2>/dev/null
klog_has 'replication.*buffer'
equal "log and legs" "$(checksum $G) $(checksum $L) $(checksum $R)" "$before"

note "the owner, or one without a name"
dmsetup create pri --uuid mine --table "0 32768 replication primary $L $R 4 region_size 128 dirty_log $G"
matches "status" "$(status pri)" '^primary none 4 255/256 '
dm_remove pri
primary pri $L $R region_size 128 dirty_log $G
matches "status" "$(status pri)" '^primary none 4 255/256 '

note "the leg was written to by others"
dm_remove pri
fill $L 0 32768 4
refused 'replication.*was written to by others' \
	"0 32768 replication primary $L $R 4 region_size 128 dirty_log $G"
