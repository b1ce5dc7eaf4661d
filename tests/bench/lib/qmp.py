# SPDX-License-Identifier: GPL-2.0
"""One connection to a QEMU's monitor."""
import json
import socket


class Monitor:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self.run("qmp_capabilities")

    def run(self, command, **arguments):
        json.dump({"execute": command, "arguments": arguments}, self.file)
        self.file.write("\n")
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline())
            if "error" in answer:
                raise RuntimeError(command + ": " + answer["error"]["desc"])
            if "return" in answer:
                # the human monitor has no errors: what it says is one
                said = answer["return"]
                if command == "human-monitor-command" and said not in ("", "OK\r\n"):
                    raise RuntimeError(arguments["command-line"] + ": " + said)
                return said
