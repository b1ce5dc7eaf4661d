# Before start a primary reads and writes its local leg, and what it writes is
# dirty: start copies exactly that to the remote leg.

linear local /dev/ram0 0 16384
linear remote /dev/ram1 0 16384
L=/dev/mapper/local R=/dev/mapper/remote

note "both legs hold the same"
fill $L 0 16384 1
fill $R 0 16384 1
primary pri $L $R nosync region_size 128
equal "in sync" "$(status_field pri 4)" 128/128
holds /dev/mapper/pri 0 16384 1
fill /dev/mapper/pri 1000 100 2		# regions 7 and 8
fill /dev/mapper/pri 16380 4 2		# region 127
holds /dev/mapper/pri 1000 100 2
holds $L 1000 100 2
holds $R 0 16384 1
equal "in sync" "$(status_field pri 4)" 125/128
before=$(written remote)
msg pri start primary
wait_status pri ' 128/128 online '
same $L $R
equal "sectors copied" $(($(written remote) - before)) 384
dm_remove pri

note "nothing is known of the legs"
fill $R 0 16384 3
primary pri $L $R region_size 128
equal "in sync" "$(status_field pri 4)" 0/128
fill /dev/mapper/pri 0 64 4
holds $R 0 16384 3
before=$(written remote)
msg pri start primary
wait_status pri ' 128/128 online '
same $L $R
equal "sectors copied" $(($(written remote) - before)) 16384

note "a last region that is shorter"
dm_remove pri
dm_create pri "0 16001 replication primary $L $R 2 region_size 128"
fill /dev/mapper/pri 15990 11 5
msg pri start primary
wait_status pri ' 126/126 online '
holds $R 15990 11 5
holds $R 16001 300 1
