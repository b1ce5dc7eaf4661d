# shellcheck shell=bash
# What the views of a secondary do for each line of $TABLE:
#	the secondary's stage, see stages.sh
#	the view that is used, and the sector
#	which device fails which operations
#	the operations that are asked for, on 8 sectors each
#	their outcome
#	whether old or new data is read then
#	what is recorded; * where something has been recorded before
. stages.sh

# tag of what is read after OP, which was to write tag 9
after()
{
	case $1 in
	write | fua) echo 9 ;;
	*) echo 0 ;;
	esac
}

# one OP VIEW SECTOR OUTCOME READS WHICH FAILS: one operation on 8 sectors
one()
{
	local view=/dev/mapper/$2 was tag=9
	was=$(tags "$view" "$3" 8)
	# a flush during a merge has something to do only after a write
	if [ "$stage$1" = mergingflush ]; then
		op write "$view" "$3" 8 9
		was=9x8
	fi
	was=${was%x8}
	[ "$1" != read ] || tag=$was
	fail_list "$6" "$7"
	outcome "$4" op "$1" "$view" "$3" 8 "$tag"
	fails "$6"
	[ "$1" = flush ] || [ "$5" = old ] || was=$(after "$1")
	equal "what is read after $1" "$(tags "$view" "$3" 8)" "${was}x8"
}

below
row=0
while read -r stage view sector which fails ops outcome reads recorded; do
	[ -n "$stage" ] || continue
	sampled $((row++)) || continue
	note "$stage: the $which fails $fails, $ops on $view at $sector"
	at "$stage"
	for what in $(words "$ops"); do
		one "$what" "$view" "$sector" "$outcome" "$reads" "$which" "$fails"
		[ "$outcome" != ok ] || sector=$((sector + 8))
	done
	error=$(status_field sec 8)
	case $recorded in
	'*') ;;
	-) equal "the error in status" "$error" - ;;
	*) equal "the error in status" "$error" EIO ;;
	esac
	[ "$stage" != running ] || [ "$recorded" = - ] ||
		matches "get_error" "$(msg sec get_error)" "^EIO $recorded $sector "

	# goes on: after the merge the disk has what the view had
	was=$(tags "/dev/mapper/$view" 0 192)
	case $stage in
	merging) msg sec stop ;;
	running)
		if [ "$view" = in ]; then msg sec stop; else msg sec stop failover; fi
		wait_status sec '^secondary done '
		;;
	*) op write "/dev/mapper/$view" 512 8 9 ;;
	esac
	[ "$stage" = none ] || matches "status" "$(status sec)" '^secondary done '
	equal "the disk" "$(tags "$D" 0 192)" "$was"
done <<<"${TABLE:?}"
some_sampled
