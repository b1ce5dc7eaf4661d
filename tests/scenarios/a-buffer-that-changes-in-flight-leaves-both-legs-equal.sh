# A program that changes its buffers while they are being written leaves both
# legs equal: of an asynchronous primary always, because both legs get one
# private copy; of a synchronous one if it writes through the page cache, which
# keeps pages stable that are written back. Of direct I/O through a synchronous
# primary nothing is promised, and nothing is tested.
# stock: stable pages (compat.h)

M=/dev/mapper
linear local /dev/ram0 0 8192
linear remote /dev/ram1 0 8192

# pri OPTION...: a primary, and a file that keeps it open
pri()
{
	primary pri $M/local $M/remote nosync region_size 128 "$@"
	msg pri start primary
	exec 9<$M/pri
}

# The checkpoint waits until nothing is in flight. What the page cache has yet
# to write stays there.
equal_after()
{
	msg pri checkpoint >/dev/null
	matches "status" "$(status pri)" ' online 0 - '
	same $M/local $M/remote
}

# with_delays OPTION...: of scribble
with_delays()
{
	local delay
	for delay in '0 0' '0 3' '3 0' '2 3'; do
		slow local "${delay% *}"
		slow remote "${delay#* }"
		check scribble -s "$SEED" "$@" $M/pri
		equal_after
	done
}

note "async, direct I/O"
pri async
with_delays -n 600
note "async, the page cache"
with_delays -m -n 200
exec 9<&-
dm_remove pri

note "sync, the page cache"
pri
with_delays -m -n 200
exec 9<&-
