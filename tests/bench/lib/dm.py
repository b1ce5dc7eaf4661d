# SPDX-License-Identifier: GPL-2.0
"""Device-mapper by its ioctls (linux/dm-ioctl.h): a dmsetup process would take
longer than what is to be measured."""
import fcntl
import os
import struct

HEADER = struct.Struct("=3I II IiIiI Q 128s 129s 7s")
SPEC = struct.Struct("=QQiI16s")
SIZE = 4096
CREATE, REMOVE, SUSPEND, LOAD, MESSAGE = 3, 4, 6, 9, 14
SUSPEND_FLAG, SKIP_LOCKFS, NOFLUSH = 1 << 1, 1 << 10, 1 << 11

_control = os.open("/dev/mapper/control", os.O_RDWR)


def _ioctl(command, name, payload=b"", flags=0, targets=0):
    assert len(payload) <= SIZE - HEADER.size
    head = HEADER.pack(4, 0, 0, SIZE, HEADER.size, targets, 0, flags, 0, 0, 0,
                       name.encode(), b"", b"")
    buffer = bytearray((head + payload).ljust(SIZE, b"\0"))
    # _IOWR(0xfd, command, struct dm_ioctl)
    fcntl.ioctl(_control, 3 << 30 | HEADER.size << 16 | 0xfd << 8 | command, buffer)
    return buffer


def message(name, text):
    _ioctl(MESSAGE, name, struct.pack("=Q", 0) + text.encode() + b"\0")


def create(name):
    _ioctl(CREATE, name)


def remove(name):
    _ioctl(REMOVE, name)


def suspend(name):
    _ioctl(SUSPEND, name, flags=SUSPEND_FLAG | SKIP_LOCKFS)


def resume(name):
    _ioctl(SUSPEND, name)


def load(name, table):
    """table: one line, as dmsetup takes it"""
    first, length, kind, arguments = table.split(maxsplit=3)
    text = arguments.encode() + b"\0"
    text += b"\0" * (-len(text) % 8)
    spec = SPEC.pack(int(first), int(length), 0, SPEC.size + len(text), kind.encode())
    _ioctl(LOAD, name, spec + text, targets=1)
