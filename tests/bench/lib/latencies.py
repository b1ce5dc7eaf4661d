# SPDX-License-Identifier: GPL-2.0
"""Reads fio's JSON of one job of writes, prints its rate and latencies."""
import json
import sys

text = sys.stdin.read()
write = json.loads(text[text.index("{"):])["jobs"][0]["write"]
print("rate", round(write["iops"], 1), "/s")
for name, percent in ("p50", "50.000000"), ("p99", "99.000000"), ("p99.9", "99.900000"):
    print(name, write["lat_ns"]["percentile"][percent] / 1000, "us-loaded")
print("longest", write["lat_ns"]["max"] / 1000, "us-loaded")
