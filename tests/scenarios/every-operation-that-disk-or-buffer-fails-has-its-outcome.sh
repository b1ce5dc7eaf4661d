# What the views of a secondary do when its disk or buffer fails an operation,
# before a start and while it runs: the error goes up or there is none, nothing
# else is lost, and what is mended works again.
# dmesg: I/O error
# stage   view  sector  which   fails        operations     outcome  then reads  recorded
TABLE='
none      in       0    disk    read         read           EIO      old         disk read
none      in       0    disk    write        write          EIO      old         disk write
none      in       0    disk    zeroes,write zeroes         EIO      old         disk write-zeroes
none      in       0    disk    discard      discard        EIO      old         disk discard
none      in       0    disk    fua          fua            EIO      old         disk write
none      in       0    disk    flush        flush          EIO      old         disk flush
none      in       0    buffer  all          write,zeroes,discard,fua,flush  ok new -
running   in       0    disk    read         read           EIO      old         disk read
running   sec      0    disk    read         read           EIO      old         disk read
running   in      64    buffer  read         read           EIO      old         inbound read
running   sec    128    buffer  read         read           EIO      old         active read
running   in       0    buffer  write        write          EIO      old         inbound write
running   sec      0    buffer  write        write          EIO      old         active write
running   in      64    buffer  write        write          EIO      old         inbound write
running   sec    128    buffer  write        write          EIO      old         active write
running   in       0    buffer  write        fua            EIO      old         inbound write
running   sec      0    buffer  write        fua            EIO      old         active write
running   in       0    buffer  flush,fua    write,zeroes,discard,fua,flush  ok new -
running   sec      0    buffer  flush,fua    write,zeroes,discard,fua,flush  ok new -
running   in       0    buffer  all          zeroes,discard,flush  ok  new       -
running   sec    128    buffer  all          zeroes,discard,flush  ok  new       -
running   in       0    disk    write,zeroes,discard,flush,fua  write,zeroes,discard,fua,flush  ok new -
running   sec    128    disk    all          write,zeroes,discard,fua,flush  ok new -
'
. views-fail.sh
