# A secondary cannot be removed while its inbound view is there, in any stage.
# stock: how a device is held (compat.h)

replica 8192 8192
for stage in none running 'done'; do
	case $stage in
	running) msg sec start secondary ;;
	'done') msg sec stop ;;
	esac
	equal "stage" "$(status_field sec 2)" $stage
	expect_errno EBUSY dmsetup remove sec
	fill /dev/mapper/in 0 8 1
	holds /dev/mapper/in 0 8 1
	dm_remove in
	inbound in sec
	holds /dev/mapper/in 0 8 1
done
note "several views of one secondary"
inbound in2 sec 2>/dev/null || note "there is only one"
! dmsetup info in2 >/dev/null 2>&1 || {
	fill /dev/mapper/in2 8 8 2
	holds /dev/mapper/in 8 8 2
	dm_remove in2
}
dm_remove in
dm_remove sec
