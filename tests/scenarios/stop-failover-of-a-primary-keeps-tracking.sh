# `stop failover` of a primary ends forwarding; what is written from then on is
# dirty, and a later start copies that and nothing else.

linear local /dev/ram0 0 16384
linear remote /dev/ram1 0 16384
L=/dev/mapper/local R=/dev/mapper/remote P=/dev/mapper/pri
primary pri $L $R nosync region_size 128
msg pri start primary
fill $P 0 4096 1
holds $R 0 4096 1
for _ in 1 2 3; do
	msg pri checkpoint >/dev/null
done
msg pri stop failover
matches "status" "$(status pri)" '^primary done 4 128/128 [a-z]+ 0 - '
before=$(written remote)
fill $P 1024 256 2
fill $P 16383 1 2
blkdiscard -f -z -o $((2048 * 512)) -l $((128 * 512)) $P
equal "sectors that went to the remote leg" $(($(written remote) - before)) 0
holds $R 0 4096 1
equal "in sync" "$(status_field pri 4)" 124/128
msg pri start primary
wait_status pri ' 128/128 online '
same $L $R
equal "local" "$(tags $L 0 4096)" '1x1024 2x256 1x768 0x128 1x1920'
[ $(($(written remote) - before)) -le 512 ] || fail "$(($(written remote) - before)) sectors were copied"
