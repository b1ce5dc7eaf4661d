# dmesg: I/O error
# The same with other mutations.
. mutants.sh
mutants $((SEED + 1)) 1700
