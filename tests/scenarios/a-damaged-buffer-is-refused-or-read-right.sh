# dmesg: I/O error
# Whatever is changed in a buffer's superblocks and summaries: the secondary is
# refused, for a reason and without a write, or its content is what the buffer
# says.
# soak
. mutants.sh
mutants "$SEED" 1700
