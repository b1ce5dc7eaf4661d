# dmesg: I/O error
# Whatever is changed in a dirty log: the primary is refused, for a reason and
# without a write, or what it copies is what has a mark.
# soak
. log-mutants.sh
prepare_legs 250001 8 34
log_mutants "$SEED" 700
dm_remove other blank disk2 remote2 local remote log

note "large regions"
prepare_legs 250001 2048 24
log_mutants $((SEED + 1)) 300
