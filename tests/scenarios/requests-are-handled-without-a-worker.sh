# io_uring's requests are handled where they are submitted (REQ_NOWAIT is
# honoured), not handed to a worker thread each; a primary asks for stable pages.
# stock: NOWAIT of io_uring, stable pages (compat.h)

trace=/sys/kernel/debug/tracing
[ -d $trace/events/io_uring ] || trace=/sys/kernel/tracing
punts=$trace/events/io_uring/io_uring_queue_async_work

# uring DEV RW: prints how many of 300 requests a worker thread had to do
uring()
{
	echo >$trace/trace
	echo 1 >$punts/enable
	fio --minimal --name=x --filename="$1" --direct=1 --thread --ioengine=io_uring --rw="$2" --bs=4k \
		--iodepth=1 --size=4m --number_ios=300 --norandommap --output=/dev/null
	echo 0 >$punts/enable
	grep -c io_uring_queue_async_work $trace/trace || true
}

linear local /dev/ram2 0 32768
linear remote /dev/ram3 0 32768
replica 32768 65536
primary pri /dev/mapper/local /dev/mapper/remote nosync
equal "stable pages" "$(cat "/sys/block/$(kernel_name pri)/queue/stable_writes")" 1
if [ ! -d $punts ]; then
	# those that are compiled for the tests
	[[ $(uname -r) =~ -(debug|kcsan|gcov)$ ]] || fail "no io_uring tracepoints"
	note "this kernel has no io_uring tracepoints: only whether it works"
	punts=/tmp trace=/tmp
	: >/tmp/trace
fi
limit=$(uring /dev/mapper/local randwrite)
note "a linear device: $limit of 300"
limit=$((limit + 30))

# quick DEV: few reads and writes are handed to a worker
quick()
{
	local rw count
	for rw in randwrite randread; do
		count=$(uring "/dev/mapper/$1" $rw)
		note "$1 $rw: $count of 300"
		[ "$count" -le $limit ] || fail "$count of 300 requests went to a worker ($1, $rw)"
	done
}

quick pri
msg pri start primary
quick pri
quick in
msg sec start secondary
for name in in sec; do
	quick $name
done
msg sec checkpoint >/dev/null
quick sec
msg sec stop
quick sec
quick in
msg pri stop
quick pri
