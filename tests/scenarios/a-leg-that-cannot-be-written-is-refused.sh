# A leg that is read-only or too short makes no primary, and the kernel log says
# which.
# stock: the mode of a table (compat.h)

linear local /dev/ram0 0 4096
linear remote /dev/ram1 0 4096
linear short /dev/ram2 0 4095
linear log /dev/ram3 0 64
L=/dev/mapper/local R=/dev/mapper/remote

refused 'replication.*remote leg .* has 4095 sectors, the table line 4096' \
	"0 4096 replication primary $L /dev/mapper/short"
refused 'replication.*local leg .* has 4095 sectors, the table line 4096' \
	"0 4096 replication primary /dev/mapper/short $R"

for leg in local remote log; do
	note "read-only: $leg"
	blockdev --setro /dev/mapper/$leg
	klog_since
	check_not dmsetup create wrong --table \
		"0 4096 replication primary $L $R 2 dirty_log /dev/mapper/log" 2>/dev/null
	klog_has 'replication'
	blockdev --setrw /dev/mapper/$leg
done
note "a read-only table"
expect_errno EROFS dmsetup create wrong --readonly --table "0 4096 replication primary $L $R"
check dmsetup create pri --table "0 4096 replication primary $L $R 2 dirty_log /dev/mapper/log"
