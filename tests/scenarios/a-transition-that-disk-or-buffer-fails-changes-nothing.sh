# A start, checkpoint, stop or failover whose disk or buffer fails an operation:
# the message says so, the views go on with what they had, and what is mended
# does what was asked, for good. What only the merge can meet fails no
# checkpoint or failover.
# dmesg: I/O error
. stages.sh

# Then the views
#	rw	go on, and the same again succeeds
#	lost	go on, and nothing is committed any more: a new device has the
#		last checkpoint
#	ro	the same, and are read-only: the commit is in doubt
#	ok	have what was asked for
#	merge	the same, but for the merge: stop begins it again
#
# asked       of      fails        answer  then stage       views  at last
TABLE='
start         disk    flush        EIO     none             rw     disk
start         disk    read,write,zeroes,discard,fua  ok  running  ok  disk
start         buffer  write        EIO     none             rw     disk
start         buffer  fua          EIO     none             rw     disk
start         buffer  flush        EIO     none             rw     disk
start         buffer  read,zeroes,discard  ok  running      ok     disk
checkpoint    disk    flush        ok      running          ok     inbound
checkpoint    disk    all          ok      running          ok     inbound
checkpoint    buffer  read         ok      running          ok     inbound
checkpoint    buffer  fua          EIO     running          ro     disk
checkpoint    buffer  write        EIO     running          rw     inbound
checkpoint    buffer  flush        EIO     running          lost   disk
stop          disk    read         ok      done             ok     inbound
stop          disk    write        EIO     failover_failed  merge  inbound
stop          disk    flush        EIO     failover_failed  merge  inbound
stop          buffer  read         EIO     failover_failed  merge  inbound
stop          buffer  fua          EIO     running          ro     disk
stop          buffer  write        EIO     running          rw     inbound
stop          buffer  flush        EIO     running          lost   disk
failover      disk    write        ok      failover_failed  merge  active
failover      disk    flush        ok      failover_failed  merge  active
failover      buffer  read         ok      failover_failed  merge  active
failover      buffer  fua          EIO     running          ro     disk
failover      buffer  write        EIO     running          rw     active
failover      buffer  flush        EIO     running          lost   disk
'

# ask WHAT
ask()
{
	case $1 in
	start) msg sec start secondary ;;
	failover) msg sec stop failover ;;
	*) msg sec "$1" >/dev/null ;;
	esac
}

# content NAME: of sectors 0 to 191, as tags has it
content()
{
	case $1 in
	disk) echo 1x192 ;;
	inbound) echo 1x64 2x64 1x64 ;;
	active) echo 1x128 3x64 ;;
	esac
}

# all views that there are, as they read
views()
{
	local view
	for view in "$I" "$A"; do
		[ "$view$(status_field sec 2)" = "${A}none" ] || tags "$view" 0 192
	done
}

# writable: both views are, beside what is looked at
writable()
{
	local view
	for view in "$I" "$A"; do
		op write "$view" 1000 8 9
		op flush "$view"
		equal "$view" "$(tags "$view" 1000 8)" 9x8
	done
}

below
row=0
while read -r what which fails answer stage goes finally; do
	[ -n "$what" ] || continue
	sampled $((row++)) || continue
	note "$what: the $which fails $fails"
	if [ "$what" = start ]; then at none; else at running; fi
	was=$(views)
	fail_list "$which" "$fails"
	outcome "$answer" ask "$what"
	wait_status sec "^secondary $stage "
	# the merge has met it too
	[ "$what$goes" != checkpointok ] || wait_status sec '^secondary running 2 .* EIO '
	fails "$which"
	case $goes in
	rw | ro | lost)
		equal "the views" "$(views)" "$was"
		;;
	*)
		equal "active" "$(tags "$A" 0 192)" "$(content "$finally")"
		;;
	esac
	if [ "$goes" = ro ]; then
		for view in "$I" "$A"; do
			expect_errno EIO op write "$view" 1000 8 9
			expect_errno EIO op discard "$view" 1000 8
			expect_errno EIO op flush "$view"
		done
	elif [ "$stage" = running ]; then
		writable
	fi

	case $goes in
	rw) check ask "$what" ;;
	merge) check ask stop ;;
	lost | ro) expect_errno EIO ask "$what" ;;
	esac
	case $(status_field sec 2) in
	failover | done) wait_status sec '^secondary done ' ;;
	esac
	[ "$goes" = lost ] || [ "$goes" = ro ] ||
		equal "active" "$(tags "$A" 0 192)" "$(content "$finally")"
	destroy
	create
	equal "active, created again" "$(tags "$A" 0 192)" "$(content "$finally")"
	if [ "$(status_field sec 2)" = running ]; then
		check ask checkpoint
		writable
	fi
done <<<"$TABLE"
some_sampled
