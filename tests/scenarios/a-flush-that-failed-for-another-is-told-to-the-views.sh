# A flush of the disk fails that no view has asked for: the merge's, that of a
# suspend, that of a start. The disk may have lost what was written through a
# view, and answers the next flush well. So the view's next one fails, once.
# dmesg: I/O error
. stages.sh

# told VIEW: the next flush fails, and no other
told()
{
	expect_errno EIO op flush "$1"
	check op flush "$1"
}

note "a start"
below
at none
op write "$I" 1000 8 9
fails disk flush
expect_errno EIO msg sec start secondary
fails disk
told "$I"
check msg sec start secondary

note "a start, and the next one takes what there is"
at none
op write "$I" 1000 8 9
fails disk flush
expect_errno EIO msg sec start secondary
fails disk
check msg sec start secondary
check msg sec stop failover
check op flush "$A"
wait_status sec '^secondary done '
check op flush "$A"

note "the end of a merge"
at merging
op write "$A" 2040 8 9
fails disk flush
expect_errno EIO msg sec stop
fails disk
told "$A"
check msg sec stop
matches "status" "$(status sec)" '^secondary done '
check op flush "$A"

note "the end of a merge, before a start"
at merging
op write "$A" 2040 8 9
fails disk flush
expect_errno EIO msg sec stop
fails disk
check msg sec stop
expect_errno EIO msg sec start secondary
check msg sec start secondary
check op flush "$A"

note "the end of a merge that began before the views were plain"
at running
dmsetup message disk 0 hold flush
msg sec checkpoint >/dev/null
until [ "$(status_field disk 7)" -gt 0 ]; do
	sleep 0.1
done
msg sec stop failover
op write "$A" 2040 8 9
fails disk flush
# it fails now, and what is copied once more has to wait until no other does
dmsetup message disk 0 hold write
fails disk
dmsetup message disk 0 hold
wait_status sec '^secondary done '
told "$A"

note "a suspend"
at merging
op write "$A" 2040 8 9
fails disk flush
dmsetup suspend sec
fails disk
dmsetup resume sec
wait_status sec '^secondary done '
told "$A"
equal "active" "$(tags "$A" 0 192)" '1x128 3x64'
