# A flush of the local leg fails while a region is copied that was dirty before:
# the local leg may have lost what the remote leg is getting, and the region is
# copied once more.
# dmesg: flush
. legs.sh

P=/dev/mapper/pri L=/dev/mapper/local R=/dev/mapper/remote
faulty local 4096
faulty remote 4096
primary pri $L $R nosync region_size 1024
msg pri start primary
msg pri stop failover
fill $P 1024 64 1
equal "dirty" "$(dirty pri)" 1

# sectors that were written to the remote leg, or zeroed there
sent()
{
	echo $(($(status_field remote 2) + $(status_field remote 3)))
}

before=$(sent)
dmsetup message remote 0 hold write
msg pri start primary
until [ "$(status_field remote 7)" -gt 0 ]; do
	sleep 0.1
done
fails local flush
expect_errno EIO op flush $P
fails local
until [ "$(dirty pri)" = 1 ]; do
	sleep 0.1
done
# where the region was dirty all the time, the failure is accounted for by now
sleep 1
dmsetup message remote 0 hold
wait_status pri ' 4/4 online 0 '
equal "sent" $(($(sent) - before)) 2048
same $L $R
dm_remove pri
