# The merge after a failover goes on while the standby verifies what it reads
# and writes, through to `done`; the disk is then the device.
# short
# stock: races between processors

replica 32768 65536
A=/dev/mapper/sec I=/dev/mapper/in
msg sec start secondary
fill $I 0 16384 1
msg sec checkpoint >/dev/null
fill $A 8192 8192 2
# many small pieces: they take the merge longer than one large one
fio --minimal --name=pieces --filename=$A --direct=1 --thread --ioengine=libaio --iodepth=8 \
	--rw=randwrite --bs=4k --offset=8m --size=6m --number_ios=700 --output=/dev/null
pieces=$(checksum $A 16384 10240)
slow disk 500
job=(--minimal --filename="$A" --direct=1 --thread --ioengine=libaio --iodepth=8 --rw=randwrite
	--verify=crc32c --verify_fatal=1 --verify_backlog=64 --serialize_overlap=1
	--randrepeat=0 --output=/dev/null)
msg sec stop failover
matches "status" "$(status sec)" ' failover '
# ahead of the merge: it must not bring back what was there before
fill $A 27000 100 7
equal "written ahead of the merge" "$(tags $A 27000 100)" 7x100
matches "status" "$(status sec)" ' failover '
# where the merge is, and where it has yet to come
spawn fio --name=one "${job[@]}" --bs=4k --offset=4m --size=128k
spawn fio --name=two "${job[@]}" --bsrange=512-16k --offset=13m --size=64k
matches "status" "$(status sec)" ' failover '
reap_all
note "$(status sec)"
slow disk 0
wait_status sec ' done '
holds $A 27000 100 7
holds $A 0 8192 1
holds $A 9216 5120 2
equal "the pieces" "$(checksum $A 16384 10240)" "$pieces"
is_zero $A 28672 4096
same $A /dev/mapper/disk
