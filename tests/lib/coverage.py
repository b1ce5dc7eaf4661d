#!/usr/bin/python3
# coverage.py [--least PERCENT] SOURCES NOT_COVERED COUNTS...
#
# Adds up what `gcov --json-format` says of each boot, and prints how many lines
# of each file were reached, which ones were not, and which functions were never
# called. With --least it is an error when there are fewer lines, or a function
# that NOT_COVERED does not name ("FUNCTION the reason", one a line).
import argparse
import collections
import json
import os
import sys

parser = argparse.ArgumentParser()
parser.add_argument("--least", type=float)
parser.add_argument("sources")
parser.add_argument("not_covered")
parser.add_argument("counts", nargs="+")
args = parser.parse_args()

with open(args.not_covered) as f:
    reasons = dict(line.split(None, 1) for line in f if line.strip() and line[0] != "#")

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


def runs(numbers):
    """1 2 3 7 -> "1-3 7": lines that follow each other in the list of all lines"""
    out = []
    for first, last in numbers:
        out.append(str(first) if first == last else f"{first}-{last}")
    return " ".join(out)


def missed(counts):
    """the runs of lines with code that were not reached"""
    out = []
    previous = None
    for number in sorted(counts):
        if counts[number] == 0:
            if previous == 0:
                out[-1][1] = number
            else:
                out.append([number, number])
        previous = counts[number]
    return out


print("lines  reached         file, and the lines that were not reached")
reached = total = 0
for path in sorted(lines):
    counts = lines[path]
    have = sum(1 for n in counts.values() if n)
    reached += have
    total += len(counts)
    print(f"{len(counts):5}  {have:5} {100 * have / len(counts):5.1f}%  {path}: {runs(missed(counts))}")
if not total:
    sys.exit("nothing was counted")
percent = 100 * reached / total
print(f"{total:5}  {reached:5} {percent:5.1f}%  all")

unknown = 0
for path in sorted(functions):
    # One that the compiler has put into its callers counts there: go by its lines.
    for name, (first, last) in sorted(functions[path].items(), key=lambda f: f[1]):
        if any(n and first <= line <= last for line, n in lines[path].items()):
            if name in reasons:
                print(f"called all the same: {name}")
            continue
        if name not in reasons:
            unknown += 1
        print(f"never called: {path}:{first} {name}: {reasons.get(name, 'why?').strip()}")

if args.least is not None:
    if percent < args.least:
        print(f"{percent:.1f}% of the lines are reached, {args.least:g}% must be")
        sys.exit(1)
    if unknown:
        print(f"{unknown} functions are never called, and nothing says why")
        sys.exit(1)
