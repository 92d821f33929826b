#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs test programs that count lines, and says how much of the core they reach.

usage: mk/coverage.py BUILD PROGRAM...

Prints lines reached per file of chunkboot/core, then what no test reaches, by function and line. The full listing
with counts goes to BUILD/coverage.txt. CB_COVERAGE_MIN (percent of the total, default 90) is the least that passes.
"""

import concurrent.futures
import glob
import os
import re
import subprocess
import sys

LINE = re.compile(r"^ *(\d+)\| *([\d.]+[kMGT]?)?\|(.*)$")
FUNCTION = re.compile(r"^[a-z].*?\b(\w+)\(")
CORE = "chunkboot/core"


def run(program, profile):
    """What went wrong, or None."""
    environment = dict(os.environ, LLVM_PROFILE_FILE=profile)
    result = subprocess.run([program], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, check=False)
    return None if result.returncode == 0 else f"{program}: exit status {result.returncode}\n" + \
        result.stdout.decode(errors="replace")[-4000:]


def run_all(programs, folder):
    os.makedirs(folder, exist_ok=True)
    for old in glob.glob(folder + "/*.profraw"):
        os.remove(old)
    profiles = [os.path.join(folder, f"{os.path.basename(program)}-{i}.profraw") for i, program in enumerate(programs)]
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        problems = [problem for problem in pool.map(run, programs, profiles) if problem]
    if problems:
        sys.exit("\n".join(problems))
    return profiles


def listing(programs, profiles, folder):
    """llvm-cov's text: each file of the core with counts."""
    merged = os.path.join(folder, "all.profdata")
    subprocess.run(["llvm-profdata", "merge", "-sparse", "-o", merged, *profiles], check=True)
    objects = [word for program in programs[1:] for word in ("-object", program)]
    return subprocess.run(["llvm-cov", "show", "-show-instantiations=false", f"-instr-profile={merged}", programs[0],
                           *objects, *sorted(glob.glob(CORE + "/*.c"))],
                          check=True, stdout=subprocess.PIPE).stdout.decode()


def read(text):
    """File -> (lines that count, {function: lines not reached})."""
    files, name, function = {}, None, "?"
    for line in text.splitlines():
        match = LINE.match(line)
        if not match:
            if line.endswith(".c:"):
                name, function = os.path.relpath(line[:-1]), "?"
                files[name] = [0, {}]
            continue
        number, count, source = match.groups()
        start = FUNCTION.match(source)
        function = start.group(1) if start else function
        if count is None:
            continue
        files[name][0] += 1
        if count == "0":
            files[name][1].setdefault(function, []).append(int(number))
    return files


def ranges(numbers):
    parts = []
    for n in numbers:
        if parts and parts[-1][1] == n - 1:
            parts[-1][1] = n
        else:
            parts.append([n, n])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def report(files):
    """Prints; the percentage of the total."""
    total = reached = 0
    for name in sorted(files):
        n, missed = files[name]
        n_missed = sum(len(lines) for lines in missed.values())
        total, reached = total + n, reached + n - n_missed
        if n:
            print(f"{100 * (n - n_missed) / n:6.1f} %  {n - n_missed:5} of {n:5}  {name}")
    print("\nnot reached:")
    for name in sorted(files):
        for function, lines in files[name][1].items():
            print(f"  {name}: {function}: {ranges(lines)}")
    percent = 100 * reached / total
    print(f"\ntotal: {percent:.1f} % of {total} lines of {CORE}")
    return percent


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    build, programs = sys.argv[1], sys.argv[2:]
    folder = os.path.join(build, "cov", "profiles")
    text = listing(programs, run_all(programs, folder), folder)
    with open(os.path.join(build, "coverage.txt"), "w", encoding="utf-8") as file:
        file.write(text)
    files = read(text)
    unlinked = set(glob.glob(CORE + "/*.c")) - set(files)
    if unlinked:
        print("no code, or in no test program:", ", ".join(sorted(unlinked)))
    least = float(os.environ.get("CB_COVERAGE_MIN", "90"))
    if report(files) < least:
        sys.exit(f"less than {least:g} %")


main()
