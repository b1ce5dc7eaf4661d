# dmesg: I/O error
# The same with other mutations.
# soak
. mutants.sh
mutants $((SEED + 2)) 1700
