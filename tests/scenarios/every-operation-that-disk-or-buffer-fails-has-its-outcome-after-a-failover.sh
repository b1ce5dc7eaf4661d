# What the views of a secondary do when its disk or buffer fails an operation
# after a failover or stop, during the merge and after it: the error goes up or
# there is none, nothing else is lost, and what is mended works again.
# dmesg: I/O error
# stage   view  sector  which   fails        operations     outcome  then reads  recorded
TABLE='
merging   sec      0    disk    read         read           EIO      old         *
merging   sec    128    buffer  read         read           EIO      old         *
merging   sec      0    disk    write        write          EIO      old         *
merging   sec    128    disk    write        write          EIO      old         *
merging   sec    128    disk    zeroes,write zeroes         EIO      old         *
merging   sec    128    disk    discard      discard        EIO      old         *
merging   sec    128    disk    fua          fua            ok       new         *
merging   sec    128    disk    flush        fua            EIO      new         *
merging   sec    128    disk    flush        flush          EIO      old         *
merging   sec    128    buffer  write        fua            EIO      new         *
merging   sec    128    buffer  fua          fua            EIO      new         *
merging   sec    128    buffer  flush        fua            EIO      new         *
merging   sec    128    buffer  write        flush          EIO      old         *
merging   sec    128    buffer  fua          flush          EIO      old         *
merging   sec    128    buffer  flush        flush          EIO      old         *
merging   sec    128    buffer  all          write,zeroes,discard  ok  new       *
failover  sec    128    disk    read         read           EIO      old         disk read
failover  sec    128    disk    write        write          EIO      old         disk write
failover  sec    128    disk    zeroes,write zeroes         EIO      old         disk write-zeroes
failover  sec    128    disk    discard      discard        EIO      old         disk discard
failover  sec    128    disk    fua          fua            EIO      old         disk write
failover  sec    128    disk    flush        flush          EIO      old         disk flush
failover  sec    128    buffer  all          write,zeroes,discard,fua,flush  ok new -
stop      in      64    disk    read         read           EIO      old         disk read
stop      in      64    disk    write        write          EIO      old         disk write
stop      sec     64    disk    write        write          EIO      old         disk write
stop      in       0    disk    flush        flush          EIO      old         disk flush
stop      sec      0    disk    flush        flush          EIO      old         disk flush
stop      in      64    buffer  all          write,zeroes,discard,fua,flush  ok new -
'
. views-fail.sh
