# SPDX-License-Identifier: GPL-2.0
"""Keeps the figures of the benchmarks and writes the page about them.

    report.py add DIR KERNEL RUN RUN CASE...   two runs that must agree
    report.py write DIR                        DIR.md and DIR/*.svg
    report.py check RELEASE RUN CASE...        exit code 1: worse than RELEASE

A figure is a line: case, system, work, value, unit; in DIR/figures.tsv also the
kernel, and how far apart the two runs were. Units:
    /s              more is better
    us, bytes       less is better
    us-loaded       the same, but there is chance in it: the worse run counts
    instructions    sampled, so there is chance in it too
"""
import re
import subprocess
import sys
from pathlib import Path

AGREE = 0.01
# A figure that is that far off in one of the runs is none: timers and sockets
# make some differ by more than 1%, which the page then shows
NO_FIGURE = 0.05
CHANCE = ("us-loaded", "instructions")
# Instructions of a function: less is lost among the samples
FEW = 60
WORSE = 0.03
TEMPLATE = Path(__file__).parent.parent / "performance.md.in"


class Figures:
    """What is in files of figures: by system and work, in the order of the files."""

    def __init__(self, *files):
        self.rows = {}
        for file in files:
            for line in Path(file).read_text().splitlines():
                case, system, work, value, unit, *rest = line.split("\t")
                self.rows[case, system, work] = float(value), unit, *rest

    def find(self, system, work):
        """The case that has it; dm-linear is in many, the first counts."""
        for key in self.rows:
            if key[1:] == (system, work):
                return key
        raise SystemExit(f"report: no figure '{system} {work}'")

    def value(self, system, work):
        return self.rows[self.find(system, work)][0]

    def relative(self, key):
        """To dm-linear in the same guest under the same load; None if that was not measured."""
        for (case, system, work), row in self.rows.items():
            if case == key[0] and work == key[2] and re.match(r"linear\b", system):
                return self.rows[key][0] / row[0]
        return None


def show(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(figures, keys):
    for case, system, work in keys:
        value, unit = figures.rows[case, system, work][:2]
        relative = figures.relative((case, system, work))
        print(f"  {system:36} {work:24} {show(value):>12} {unit:6}"
              + (f" {relative:7.3f}" if relative else ""))


def join(one, two):
    """The figures of both runs, with how far they are apart; None if too far."""
    lines = []
    for key in one.rows | two.rows:
        if key not in one.rows or key not in two.rows:
            if (one.rows.get(key) or two.rows.get(key))[1] == "instructions":
                continue
            print(f"  {key[1]} {key[2]}: in one of the runs only")
            return None
        (a, unit), (b, _) = one.rows[key], two.rows[key]
        apart = abs(a - b) / max(a, b, 1e-9)
        value = max(a, b) if unit == "us-loaded" else (a + b) / 2
        if unit in CHANCE:
            apart = 0
        if apart > AGREE:
            print(f"  {key[1]} {key[2]}: {show(a)} and {show(b)}, {apart:.1%} apart")
        if apart > NO_FIGURE:
            return None
        lines.append("\t".join((*key, f"{value:.6g}", unit, f"{apart:.4f}")))
    return lines


def add(directory, kernel, first, second, *cases):
    kept = Path(directory) / "figures.tsv"
    failed = False
    for case in cases:
        one = Figures(Path(first) / case)
        if not (Path(second) / case).exists():
            print(f"{case}: no second run")
            failed = True
            continue
        two = Figures(Path(second) / case)
        print(f"{case}:")
        table(one, one.rows)
        joined = join(one, two)
        if not joined:
            print(f"FAIL {case}: the two runs differ by more than {NO_FIGURE:.0%}")
            failed = True
            continue
        lines = kept.read_text().splitlines() if kept.exists() else []
        lines = [line for line in lines if not line.startswith(case + "\t")]
        lines += [f"{line}\t{kernel}" for line in joined]
        kept.write_text("\n".join(lines) + "\n")
    return failed


def check(release, run, *cases):
    old, new = Figures(release), Figures(*(Path(run) / case for case in cases))
    worse = []
    compared = 0
    for key, (value, unit) in new.rows.items():
        if unit not in ("/s", "us", "bytes") or re.match(r"linear\b", key[1]):
            continue
        if key not in old.rows:
            continue
        # the ratio: another compiler or kernel moves both
        now, then = new.relative(key), old.relative(key)
        if now is None or then is None:
            now, then = value, old.rows[key][0]
        compared += 1
        change = now / then - 1
        if unit != "/s":
            change = -change
        print(f"  {key[1]:36} {key[2]:24} {then:12.3f} {now:12.3f} {change:+8.1%}")
        if change < -WORSE:
            worse.append(f"{key[1]} {key[2]}")
    if not compared:
        print("FAIL nothing to compare with")
        return True
    if worse:
        print(f"FAIL worse by more than {WORSE:.0%}:", ", ".join(worse))
    else:
        print(f"bench-check: {compared} figures, none worse by more than {WORSE:.0%}")
    return bool(worse)


GNUPLOT = """
set terminal svg size 860,{height} font "sans-serif,13" background "white"
set output "{file}"
set title "{title}"
"""
BARS = """
set style fill solid 0.9 noborder
set boxwidth 0.7
set xrange [0:*]
set yrange [{count} - 0.4 : -0.6]
set ytics nomirror scale 0
set xtics nomirror
set grid xtics
set lmargin 40
unset key
plot "$bars" using ($2/2):0:($2/2):(0.35):3:ytic(1) with boxxyerror lc rgb variable, \\
     "$bars" using 2:0:4 with labels left offset 0.5,0
"""
CURVES = """
set logscale xy
set xlabel "{xlabel}"
set ylabel "{ylabel}"
set format x "%.0s%c"
set grid
set key left top
plot {plots}
"""


class Page:
    """Fills the template in. In it, {{...}} is one of

    SYSTEM WORK            a figure
    SYSTEM WORK relative   the same, to dm-linear
    row SYSTEM [vs OURS] WORK...   cells of a table: each with its ratio, and a
                           mark where it is ahead of the system OURS
    profile SYSTEM...      a table of their functions
    kernel
    bars FILE | TITLE | WORK | SYSTEM=LABEL | ...
    curves FILE | TITLE | XLABEL | YLABEL | LABEL=SYSTEM PREFIX X... | ...
    """

    def __init__(self, directory):
        self.directory = Path(directory)
        self.figures = Figures(self.directory / "figures.tsv")

    def key(self, system, work):
        return next((k for k in self.figures.rows if k[1:] == (system, work)), None)

    def cell(self, system, work, ours=None):
        key = self.key(system, work)
        if key is None:
            return ""
        relative = self.figures.relative(key)
        value, _, apart, *_ = self.figures.rows[key]
        text = show(value)
        if float(apart) > AGREE:
            text = "≈ " + text
        if relative:
            text += f" ({relative:.3g})"
        if ours and self.key(ours, work) and self.ahead(key, self.key(ours, work)):
            text += " ▲"
        return text

    def ahead(self, theirs, ours):
        """By more than the two runs of a figure may differ."""
        a, b = (self.figures.relative(key) or self.figures.rows[key][0] for key in (theirs, ours))
        if self.figures.rows[theirs][1] != "/s":
            a, b = b, a
        return a > b * (1 + AGREE)

    def plot(self, file, title, height, script):
        path = self.directory / file
        script = GNUPLOT.format(height=height, file=path, title=title) + script
        subprocess.run(["gnuplot"], input=script, text=True, check=True)
        # the version of gnuplot would change the file and nothing in it
        path.write_text(re.sub(r"<desc>.*?</desc>\n?", "", path.read_text()))
        return f"![{title}]({self.directory.name}/{file})"

    def bars(self, file, title, work, *systems):
        lines = []
        for item in systems:
            system, label = item.split("=", 1)
            key = self.figures.find(system, work)
            value = self.figures.relative(key)
            colour = 0x2b6cb0 if re.match("primary|secondary", system) else 0xa0aec0
            lines.append(f'"{label}" {value} {colour} "{value:.3f}"')
        data = "$bars << END\n" + "\n".join(lines) + "\nEND\n"
        return self.plot(file, title, 90 + 24 * len(lines),
                         data + BARS.format(count=len(lines)).replace('"$bars"', "$bars"))

    def curves(self, file, title, xlabel, ylabel, *curves):
        data, plots = "", []
        for number, item in enumerate(curves):
            label, what = item.split("=", 1)
            system, prefix, *points = what.split()
            data += f"$curve{number} << END\n"
            for x in points:
                data += f"{x} {self.figures.value(system, prefix + x)}\n"
            data += "END\n"
            plots.append(f'$curve{number} with linespoints lw 2 pt 7 title "{label}"')
        return self.plot(file, title, 420, data + CURVES.format(
            xlabel=xlabel, ylabel=ylabel, plots=", ".join(plots)))

    def profile(self, *systems):
        """The functions in the order of the most that one of the systems spends there."""
        spent = {}
        for (_, system, function), (value, *_) in self.figures.rows.items():
            if system in systems and value >= FEW:
                spent.setdefault(function, {})[system] = value
        lines = ["| | " + " | ".join(systems) + " |", "|---|" + "---:|" * len(systems)]
        for function, by in sorted(spent.items(), key=lambda item: -max(item[1].values())):
            name = function.removeprefix("kernel:").replace("dm_replication:", "**replication** ")
            lines.append(f"| {name} | " + " | ".join(
                show(by[system]) if system in by else "" for system in systems) + " |")
        return "\n".join(lines)

    def expand(self, match):
        text = match.group(1).strip()
        for name, draw in ("bars", self.bars), ("curves", self.curves):
            if text.startswith(name + " "):
                return draw(*(part.strip() for part in text[len(name):].split("|")))
        words = text.split()
        if words == ["kernel"]:
            return ", ".join(sorted({row[3] for row in self.figures.rows.values()}))
        if words[0] == "profile":
            return self.profile(*words[1:])
        if words[0] == "row":
            ours, works = (words[3], words[4:]) if words[2] == "vs" else (None, words[2:])
            return " | ".join(self.cell(words[1], work, ours) for work in works)
        if words[2:] == ["relative"]:
            return f"{self.figures.relative(self.figures.find(*words[:2])):.3f}"
        return show(self.figures.value(*words))

    def write(self):
        text = TEMPLATE.read_text()
        text = re.sub(r"\{\{(.*?)\}\}", self.expand, text, flags=re.DOTALL)
        self.directory.with_suffix(".md").write_text(text)


def write(directory):
    Page(directory).write()
    return False


sys.exit({"add": add, "check": check, "write": write}[sys.argv[1]](*sys.argv[2:]))
