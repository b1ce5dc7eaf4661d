# A write with FUA that the remote leg gets late, because a cut had held it or because
# it would have had to wait, has FUA there. By then the local leg, which has no
# volatile cache, has had it as a plain write.
# stock: FUA without a volatile cache
. legs.sh

P=/dev/mapper/pri L=/dev/mapper/local R=/dev/mapper/remote
linear local /dev/ram0 0 4096
faulty remote 4096
primary pri $L $R nosync
msg pri start primary
fill $P 0 512 1

note "held by a cut"
dmsetup message remote 0 hold flush
spawn msg pri checkpoint
checkpoint=$JOB
until [ "$(status_field remote 7)" = 1 ]; do
	sleep 0.1
done
before=$(asked remote fua) there=$(written local)
spawn op fua $P 0 8 2
until [ "$(written local)" -gt "$there" ]; do
	sleep 0.1
done
equal "FUA before the cut has ended" "$(asked remote fua)" "$before"
dmsetup message remote 0 hold
reap "$checkpoint"
reap "$JOB"
equal "FUA" "$(asked remote fua)" $((before + 1))
holds $R 0 8 2

note "sent again"
dmsetup message remote 0 again write
before=$(asked remote fua)
equal "write" "$(nowait $P 100 8 RWF_DSYNC)" ok
equal "FUA" "$(asked remote fua)" $((before + 1))
is_zero $R 100 8
