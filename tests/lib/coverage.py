#!/usr/bin/python3
# coverage.py [--least PERCENT] SOURCES NOT_COVERED COUNTS...
#
# Adds up what `gcov --json-format` says of each boot, and prints how many lines
# of each file were reached, then which ones were not and why, and which functions
# were never called. The reasons are NOT_COVERED's: "FILE FUNCTION the reason", one a
# line. With --least it is an error when fewer lines are reached, when one is not and
# there is no reason, when a function is never called and the reason does not begin so,
# or when there is no such function.
import argparse
import collections
import json
import os
import re
import sys

parser = argparse.ArgumentParser()
parser.add_argument("--least", type=float)
parser.add_argument("sources")
parser.add_argument("not_covered")
parser.add_argument("counts", nargs="+")
args = parser.parse_args()

with open(args.not_covered) as f:
    words = (line.split(None, 2) for line in f if line.strip() and line[0] != "#")
    reasons = {(path, name): reason.strip() for path, name, reason in words}

# file -> line -> how often; file -> function -> (first line, last line)
lines = collections.defaultdict(collections.Counter)
functions = collections.defaultdict(dict)
for name in args.counts:
    with open(name) as f:
        objects = [json.loads(line) for line in f if line.strip()]
    for cwd, entry in ((o["current_working_directory"], e) for o in objects for e in o["files"]):
        path = os.path.relpath(os.path.join(cwd, entry["file"]), args.sources)
        # headers of the kernel are not ours
        if path.startswith(".."):
            continue
        for line in entry["lines"]:
            lines[path][line["line_number"]] += line["count"]
        for f in entry["functions"]:
            functions[path][f["name"]] = (f["start_line"], f["end_line"])


def definitions(path):
    """(first line, name) of each function in the kernel's style: its "{" is a line"""
    out, last = [], None
    with open(os.path.join(args.sources, path)) as f:
        for number, line in enumerate(f, 1):
            match = re.match(r"\w[\w\s*]*?(\w+)\(", line)
            if match:
                last = (number, match[1])
            elif line == "{\n" and last:
                out.append(last)
                last = None
    return out


def function_at(path, number):
    """the function that a line is in; the compiler may have made it a part of another"""
    return max((f for f in defined[path] if f[0] <= number), default=(0, "-"))[1]


def missed(path):
    """the runs of lines with code that were not reached, each in one function"""
    out = []
    previous = None
    for number in sorted(lines[path]):
        name = function_at(path, number)
        if lines[path][number] == 0:
            if previous == (0, name):
                out[-1][1] = number
            else:
                out.append([number, number, name])
        previous = (lines[path][number], name)
    return out


defined = {path: definitions(path) for path in lines}
print("lines  reached")
reached = total = 0
for path in sorted(lines):
    counts = lines[path]
    have = sum(1 for n in counts.values() if n)
    reached += have
    total += len(counts)
    print(f"{len(counts):5}  {have:5} {100 * have / len(counts):5.1f}%  {path}")
if not total:
    sys.exit("nothing was counted")
percent = 100 * reached / total
print(f"{total:5}  {reached:5} {percent:5.1f}%  all")

unexplained = 0
for path in sorted(lines):
    for first, last, name in missed(path):
        where = f"{first}" if first == last else f"{first}-{last}"
        reason = reasons.get((path, name))
        unexplained += not reason
        print(f"not reached: {path}:{where} {name}: {reason or 'why?'}")

unknown = 0
for path in sorted(functions):
    # One that the compiler has put into its callers counts there: go by its lines.
    for name, (first, last) in sorted(functions[path].items(), key=lambda f: f[1]):
        if any(n and first <= line <= last for line, n in lines[path].items()):
            continue
        reason = reasons.get((path, name), "")
        if not reason.startswith("never called"):
            unknown += 1
            reason = "why?"
        print(f"never called: {path}:{first} {name}: {reason}")
stale = [(path, name) for path, name in reasons
         if name not in (f[1] for f in defined.get(path, []))]
for path, name in stale:
    print(f"there is no such function: {path} {name}")

if args.least is not None:
    if percent < args.least:
        print(f"{percent:.1f}% of the lines are reached, {args.least:g}% must be")
        sys.exit(1)
    if unexplained:
        print(f"{unexplained} places are not reached, and nothing says why")
        sys.exit(1)
    if unknown:
        print(f"{unknown} functions are never called, and nothing says why")
        sys.exit(1)
    if stale:
        print(f"{len(stale)} reasons are for functions that do not exist")
        sys.exit(1)
