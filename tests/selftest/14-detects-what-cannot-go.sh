# A module that cannot be unloaded any more.
# verdict: FAIL not clean afterwards: brd cannot be unloaded
mkdir -p /run/hidden
mke2fs -q /dev/ram0
mount /dev/ram0 /run/hidden
