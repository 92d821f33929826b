#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs test programs and scripts, counts what they report, and closes with "N passed, N failed, N skipped".

usage: tests/run.py [-j N] [--timeout S] [--build DIR] [--only WORD]... [--show] [--max-boots N] [--plan]
       --suite NAME [ITEM...] ...

WORD is a part of an item's name, or SUITE/PART. --plan: nothing runs, each item's SUITE/NAME is printed.

An item is a program or script, or NAME=COMMAND with arguments. Exit status 0 is a pass, 77 a skip (the last
line of its output says why), anything else a failure. Counted one by one where an item reports more than one
test: cmocka's closing lines, or lines "ok NAME", "not ok NAME" and "skip NAME REASON" of a script.
A script can ask for more time with a line "# timeout: SECONDS" among its first 20. Lines "boot: ..." of scripts
are boots in QEMU: they are counted, and more than N in one run are a failure of its own.

An item runs in the top directory, with CB_TOP, CB_BUILD (both absolute) and CB_TEST_TMP (an empty directory
of its own, removed afterwards) in its environment, and no input. Its output goes to BUILD/test-logs/SUITE/NAME.log.
"""

import collections
import concurrent.futures
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

VERDICTS = ("ok ", "not ok ", "skip ")
TAIL_LINES = 40
SKIP_STATUS = 77
CMOCKA_LINE = re.compile(r"^\[\s*(==========|PASSED|FAILED|SKIPPED)\s*\] (\d+) test\(s\)", re.M)
BOOT_LINE = re.compile(r"^boot: ", re.M)
SCRIPT_LINE = re.compile(r"^(ok|not ok|skip) +(\S.*)$", re.M)

Item = collections.namedtuple("Item", "suite name command timeout is_cmocka")
# why: the reasons of skips; note: how it failed, or None.
Result = collections.namedtuple("Result", "item passed failed skipped seconds log why note boots")


def usage(message):
    print(f"tests/run.py: error: {message}", file=sys.stderr)
    sys.exit(2)


def time_limit(path, default):
    """The limit that a script asks for, never less than the default."""
    try:
        with open(path, encoding="utf-8") as file:
            head = "".join(file.readline() for _ in range(20))
    except (OSError, UnicodeDecodeError):
        return default
    match = re.search(r"^# timeout: (\d+)$", head, re.M)
    return max(default, int(match.group(1))) if match else default


def make_item(suite, word, timeout):
    if "=" in word:
        name, command = word.split("=", 1)
        return Item(suite, name, shlex.split(command), timeout, False)
    name = os.path.splitext(os.path.basename(word))[0]
    is_script = word.endswith((".sh", ".py"))
    path = word if os.path.dirname(word) else "./" + word
    command = ["bash", path] if word.endswith(".sh") else [path]
    return Item(suite, name, command, time_limit(path, timeout) if is_script else timeout, not is_script)


def is_meant(item, word):
    """A word is a part of the name; with a slash, the suite's name and, behind it, a part of the item's."""
    suite, slash, part = word.rpartition("/")
    return part in item.name and (not slash or suite == item.suite)


def parse_arguments(words):
    options = {"-j": "2", "--timeout": "600", "--build": "build", "--max-boots": None}
    only, items, suite, flags = [], [], None, {"--show": False, "--plan": False}
    words = list(words)
    while words:
        word = words.pop(0)
        if word in flags:
            flags[word] = True
        elif word in ("-h", "--help"):
            print(__doc__)
            sys.exit(0)
        elif word in (*options, "--only", "--suite"):
            if not words:
                usage(f"{word} needs a value")
            value = words.pop(0)
            if word == "--only":
                only.append(value)
            elif word == "--suite":
                suite = value
            else:
                options[word] = value
        elif suite is None:
            usage(f"{word} comes before any --suite")
        else:
            items.append((suite, word))
    timeout = int(options["--timeout"])
    items = [make_item(suite, word, timeout) for suite, word in items]
    if only:
        items = [item for item in items if any(is_meant(item, word) for word in only)]
    return items, int(options["-j"]), options["--build"], options["--max-boots"], flags


def count(item, output, status):
    """Passed, failed and skipped tests of an item, with the reasons of skips."""
    if status == SKIP_STATUS:
        lines = output.strip().splitlines()
        return 0, 0, 1, [lines[-1] if lines else "no reason given"]
    passed = failed = skipped = 0
    why = []
    if item.is_cmocka:
        closing = [(kind, int(n)) for kind, n in CMOCKA_LINE.findall(output)]
        passed = sum(n for kind, n in closing if kind == "PASSED")
        failed = sum(n for kind, n in closing if kind == "FAILED")
        skipped = sum(n for kind, n in closing if kind == "SKIPPED")
        why = ["marked so in the program"] * skipped
        if status == 0 and not any(kind == "==========" for kind, _ in closing):
            return 0, 1, 0, []
    else:
        for kind, text in SCRIPT_LINE.findall(output):
            passed += kind == "ok"
            failed += kind == "not ok"
            skipped += kind == "skip"
            if kind == "skip":
                why.append(text)
        if status == 0 and passed + failed + skipped == 0:
            passed = 1
    if status != 0 and failed == 0:
        failed = 1
    return passed, failed, skipped, why


def kill_group(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def run(item, build):
    log = os.path.join(build, "test-logs", item.suite, item.name + ".log")
    os.makedirs(os.path.dirname(log), exist_ok=True)
    tmp = tempfile.mkdtemp(prefix=f"chunkboot-{item.name}-")
    environment = dict(
        os.environ,
        CB_TOP=os.getcwd(),
        CB_BUILD=os.path.abspath(build),
        CB_TEST_TMP=tmp,
        LC_ALL="C.UTF-8",
        UBSAN_OPTIONS="print_stacktrace=1",
    )
    # A test that asks make for something must not wait for our make's job slots.
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        environment.pop(name, None)
    start = time.monotonic()
    note = None
    with open(log, "wb") as file:
        try:
            process = subprocess.Popen(
                item.command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                env=environment, start_new_session=True)
            try:
                status = process.wait(item.timeout)
            except subprocess.TimeoutExpired:
                kill_group(process)
                status = process.wait()
                note = f"killed after {item.timeout} s"
            # Whatever it left running in the background.
            kill_group(process)
        except OSError as error:
            status, note = 127, str(error)
        if note:
            file.write(f"\ntests/run.py: {note}\n".encode())
    shutil.rmtree(tmp, ignore_errors=True)
    with open(log, encoding="utf-8", errors="replace") as file:
        output = file.read()
    passed, failed, skipped, why = count(item, output, status)
    if failed and not note:
        note = f"exit status {status}" if status else "ended before it had reported"
    boots = 0 if item.is_cmocka else len(BOOT_LINE.findall(output))
    return Result(item, passed, failed, skipped, time.monotonic() - start, log, why, note, boots)


def failed_part(path):
    """What a log says of the failure: the lines about its first "not ok", which shell tests print before it and others
    after it; else its end."""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = file.readlines()
    first = next((i for i, line in enumerate(lines) if line.startswith("not ok ")), len(lines))
    start = next((i for i in range(first, 0, -1) if lines[i - 1].startswith(VERDICTS)), 0)
    return "".join("    " + line for line in lines[max(start, first - TAIL_LINES):first + TAIL_LINES])


def tail(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return "".join("    " + line for line in file.readlines()[-TAIL_LINES:])


def report(result, show):
    word = "FAIL" if result.failed else "SKIP" if not result.passed and result.skipped else "PASS"
    counts = [f"{n} {what}" for n, what in
              ((result.passed, "passed"), (result.failed, "failed"), (result.skipped, "skipped")) if n]
    print(f"  {word}    {result.item.suite}/{result.item.name}: {', '.join(counts) or 'no tests'}"
          f" ({result.seconds:.1f} s)", flush=True)
    if result.failed:
        print(f"    {result.note}; from {result.log}:\n{failed_part(result.log)}", flush=True)
    elif show:
        print(tail(result.log), flush=True)


def main():
    items, jobs, build, max_boots, flags = parse_arguments(sys.argv[1:])
    names = [(item.suite, item.name) for item in items]
    for suite, name in names:
        if names.count((suite, name)) > 1:
            usage(f"two items of suite {suite} are called {name}")
    if flags["--plan"]:
        print("\n".join(f"{suite}/{name}" for suite, name in names))
        sys.exit(0)
    results = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        for future in concurrent.futures.as_completed([pool.submit(run, item, build) for item in items]):
            results.append(future.result())
            report(results[-1], flags["--show"])

    for result in results:
        if result.skipped:
            for reason in result.why:
                print(f"  skipped {result.item.suite}/{result.item.name}: {reason}")
    os.makedirs(os.path.join(build, "test-logs"), exist_ok=True)
    with open(os.path.join(build, "test-logs", "results.json"), "w", encoding="utf-8") as file:
        json.dump([{"suite": r.item.suite, "name": r.item.name, "passed": r.passed, "failed": r.failed,
                    "skipped": r.skipped, "seconds": round(r.seconds, 2), "why": r.why, "note": r.note, "boots": r.boots}
                   for r in results], file, indent=1)
    passed, failed, skipped = (sum(getattr(r, key) for r in results) for key in ("passed", "failed", "skipped"))
    boots = sum(result.boots for result in results)
    if max_boots is not None:
        failed += boots > int(max_boots)
        print(f"{boots} boots in QEMU of at most {max_boots}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
