# SPDX-License-Identifier: GPL-2.0
"""Takes checkpoints, in one of several ways, and says how long they took.

    checkpoints.py once HOW...
    checkpoints.py each-100-ms PID HOW...    until the process PID is gone

HOW is one of
    dm NAME MESSAGE [NAME MESSAGE ...]       messages to mapped devices, in order
    qmp SOCKET COMMAND                       a command of QEMU's monitor
    snapshot ORIGIN SNAPSHOT TABLE STORE     a snapshot is dropped and made anew
    nothing

Prints how many there were and the microseconds of the shortest, the median and
the longest.
"""
import os
import sys
import time

EVERY = 0.1


def way(how, arguments):
    if how == "dm":
        import dm
        pairs = list(zip(arguments[::2], arguments[1::2]))
        # what only the first message costs this process is no checkpoint's
        for name, _ in pairs:
            dm.message(name, "get_error")

        def take():
            for name, message in pairs:
                dm.message(name, message)
    elif how == "qmp":
        import qmp
        monitor = qmp.Monitor(arguments[0])
        monitor.run("query-status")

        def take():
            monitor.run(arguments[1])
    elif how == "snapshot":
        import dm
        origin, snapshot, table, store = arguments
        zeroes = bytes(4096)
        disk = os.open(store, os.O_WRONLY | os.O_DSYNC)

        def take():
            # as lvm does it: the origin is quiet while its snapshot changes
            dm.suspend(origin)
            dm.remove(snapshot)
            os.pwrite(disk, zeroes, 0)
            dm.create(snapshot)
            dm.load(snapshot, table)
            dm.resume(snapshot)
            dm.resume(origin)
    else:
        def take():
            pass
    return take


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def main(mode, *arguments):
    pid = None
    if mode == "each-100-ms":
        pid, *arguments = arguments
    take = way(arguments[0], arguments[1:])
    spent = []
    due = time.monotonic()
    while pid is None or alive(pid):
        begun = time.monotonic_ns()
        take()
        spent.append((time.monotonic_ns() - begun) / 1000)
        if pid is None:
            break
        due += EVERY
        time.sleep(max(0, due - time.monotonic()))
    spent.sort()
    print(len(spent), *(round(t, 1) for t in (spent[0], spent[len(spent) // 2], spent[-1])))


main(*sys.argv[1:])
