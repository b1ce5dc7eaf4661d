# A wrong table line of an inbound view makes no device and says why.
# stock: how a device is found and held (compat.h)

linear disk /dev/ram0 0 8192
linear buffer /dev/ram1 0 8192
secondary sec /dev/mapper/disk /dev/mapper/buffer
linear local /dev/ram2 0 8192
linear remote /dev/ram3 0 8192
primary pri /dev/mapper/local /dev/mapper/remote
S=/dev/mapper/sec

note "arguments"
refused 'replication' "0 8192 replication inbound"
refused 'replication' "0 8192 replication inbound $S 1"
refused 'replication.*bogus' "0 8192 replication inbound $S 1 bogus"
refused 'replication' "0 8192 replication inbound $S 2 group x"
refused 'replication' "0 8192 replication inbound $S $S 0"
refused 'replication.*inband' "0 8200 replication inbound $S 1 inband"

note "not a secondary"
refused 'replication' "0 8192 replication inbound /dev/nothing 0"
refused 'replication' "0 8192 replication inbound /dev/ram4 0"
refused 'replication' "0 8192 replication inbound /dev/mapper/disk 0"
refused 'replication' "0 8192 replication inbound /dev/mapper/pri 0"
refused 'replication' "0 8192 replication inbound 7:77 0"

note "another length"
refused 'replication' "0 8184 replication inbound $S 0"
refused 'replication' "0 8200 replication inbound $S 0"
refused 'replication' "0 16384 replication inbound $S 0"

note "and the right one is accepted"
before=$(status sec)
inbound in sec
note "an inbound view is no secondary"
refused 'replication' "0 8192 replication inbound /dev/mapper/in 0"
equal "status of the secondary" "$(status sec)" "$before"

note "a secondary's device is not above itself"
expect_errno EINVAL dmsetup load sec --table "0 8192 replication inbound $S 0"
equal "inactive table" "$(dmsetup table --inactive sec)" ""
dm_remove in
dm_remove sec
