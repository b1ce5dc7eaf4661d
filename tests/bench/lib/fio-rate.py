# SPDX-License-Identifier: GPL-2.0
"""Reads fio's JSON, prints the operations per second; an error is fatal."""
import json
import sys

text = sys.stdin.read()
jobs = json.loads(text[text.index("{"):])["jobs"]
failed = [job["jobname"] for job in jobs if job["error"]]
if failed:
    sys.exit("fio: failed: " + " ".join(failed))
print(round(sum(job[way]["iops"] for job in jobs for way in ("read", "write")), 1))
