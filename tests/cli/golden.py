#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Golden tests: runs the transcripts in tests/cli/golden and compares what the tool prints and changes.

usage: tests/cli/golden.py [WORD]...        only cases whose name (VERB/CASE) has one of the words
       UPDATE=1 tests/cli/golden.py [WORD]...   rewrites their results; read the diff

A case of a transcript:

    == no-such-image          its name; lines that start with # before it are comments
    % rm repo/.lock           preparation by bash; it must succeed
    $ chunkboot list repo     the command; it may have several lines
    exit 0
    > a line on stdout
    ! a line on stderr
    ~ repo/some/file          a file that it changed; + made, - removed

Each case runs in a folder of its own with copies of what prepare() makes, at a fixed time
(CLOCK='...' before the command chooses another). Output is compared exactly but for a server's
port, how long a fetch took, and passphrases that the tool makes. Besides the transcript's word:
a command that fails, or has --dry-run, may change nothing at all; output has no blanks at the end
of a line, and its last line ends; a failure prints "chunkboot: error: ..." and "hint: ...", with
--json also as a document, and each line on stdout is JSON then.
"""

import base64
import functools
import http.server
import json
import os
import pathlib
import random
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
TRANSCRIPTS = HERE / "golden"
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
PASSPHRASE = "green ladder orbit velvet canyon pepper"
SKIP_STATUS = 77
LIMIT_S = 60

# RFC 8410: what precedes the seed in the PKCS#8 form of an ed25519 key.
DER_HEAD = bytes.fromhex("302e020100300506032b657004220420")
KEYS = ("offline/root", "offline/targets", "online/snapshot", "online/timestamp", "online/accounts")

WORDS = r"[a-z]{2,7}(?: [a-z]{2,7}){6}"
NORMAL = (
    (re.compile(r"(listening on http://127\.0\.0\.1:|\"url\":\"http://127\.0\.0\.1:|\"port\":)\d+"), r"\1<port>"),
    (re.compile(r" in \d+\.\d s$", re.M), " in <s> s"),
    (re.compile(r'("elapsed_ms":)\d+'), r"\1<ms>"),
)
# Only where the tool makes a passphrase: the passphrase, and the place of the record that follows from it.
MADE = (
    (re.compile(rf'^> ({WORDS}|(.*"passphrase":"){WORDS}"(.*))$'), r"> \2<passphrase>\3"),
    (re.compile(r"/accounts/[0-9a-f]{2}/[0-9a-f]{64}$"), "/accounts/<locator>"),
)


class Case:
    """One case of a transcript; results: the lines that an update replaces."""

    def __init__(self, verb, name):
        self.name = f"{verb}/{name}"
        self.before, self.preparation, self.command, self.results = [], [], [], []

    def text(self):
        return [*self.before, "== " + self.name.split("/", 1)[1], *("% " + line for line in self.preparation),
                *("$ " + line for line in self.command), *self.results]


def parse(path):
    cases, before = [], []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        kind, rest = line[:2], line[2:]
        if line.startswith("== "):
            cases.append(Case(path.stem, line[3:]))
            cases[-1].before, before = before, []
        elif line == "" or line.startswith("#"):
            before.append(line)
        elif cases and kind == "% ":
            cases[-1].preparation.append(rest)
        elif cases and kind == "$ ":
            cases[-1].command.append(rest)
        elif cases and line[:1] in "e>!~+-":
            cases[-1].results.append(line)
        else:
            sys.exit(f"{path}:{number}: what is this?")
    return cases


# ---- What the cases work on ----

def pem(seed):
    text = base64.b64encode(DER_HEAD + bytes([seed]) * 32).decode()
    return f"-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"


def make_keys(folder, first_seed):
    for number, name in enumerate(KEYS):
        path = folder / (name + ".pem")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(pem(first_seed + number))
        path.chmod(0o600)


def make_pe(path, is_kernel):
    script = '. "$CB_TOP/tests/cli/lib.sh"; make_pe "$@"'
    subprocess.run(["bash", "-c", script, "make_pe", path, "kernel" if is_kernel else "application"], check=True,
                   env=dict(os.environ, CB_TOP=str(TOP)))


def prepare(folder, environment):
    """repo: images desk@1, desk@2 (the default, kind linux) and tool@1 (efi), account ada; keys. other, other-keys: a
    second, empty realm. vmlinuz, initrd, app.efi, pass, weak: files to publish and passphrases."""
    folder.mkdir()
    for name, seed in (("keys", 1), ("other-keys", 11)):
        make_keys(folder / name, seed)
    make_pe(folder / "vmlinuz", True)
    make_pe(folder / "app.efi", False)
    (folder / "initrd").write_bytes(random.Random(5).randbytes(3000))
    (folder / "pass").write_text(PASSPHRASE + "\n")
    (folder / "weak").write_text("secret\n")
    for command in (
            "init repo --keys keys --kdf small --title 'Test realm'",
            "init other --keys other-keys --kdf small",
            "publish repo desk --version 1 --keys keys --kernel vmlinuz --cmdline quiet --cmdline-allow ring=",
            "publish repo desk --version 2 --keys keys --kernel vmlinuz --initrd initrd --exact --cmdline quiet"
            " --cmdline-allow ring=",
            "publish repo tool --version 1 --keys keys --efi app.efi",
            "account add repo ada --keys keys --env desk --passphrase-file pass --display-name Ada"):
        subprocess.run(["bash", "-c", f"chunkboot {command} --quiet"], cwd=folder, env=environment, check=True)


class Handler(http.server.SimpleHTTPRequestHandler):
    """A mirror of every case's files."""

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass


def start_mirror(folder):
    handler = functools.partial(Handler, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    # a client that has had enough hangs up
    server.handle_error = lambda *arguments: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


# ---- A run ----

def look(folder):
    """Every path below the folder with all that a command could change about it."""
    tree = {}
    for path in sorted(folder.rglob("*")):
        info = path.lstat()
        what = None
        if stat.S_ISLNK(info.st_mode):
            what = os.readlink(path)
        elif stat.S_ISREG(info.st_mode):
            what = (path.read_bytes(), info.st_mtime_ns)
        tree[str(path.relative_to(folder))] = (info.st_mode, what)
    return tree


def changes(before, after):
    lines = []
    for path in sorted(before.keys() | after.keys()):
        is_dir = stat.S_ISDIR((after.get(path) or before[path])[0])
        mark = "+" if path not in before else "-" if path not in after else "~" if before[path] != after[path] else ""
        if mark:
            name = os.fsencode(path).decode("utf-8", "replace")
            lines.append(f"{mark} {name}{'/' if is_dir else ''}")
    return lines


def normal(text, patterns):
    for pattern, replacement in patterns:
        text = pattern.sub(replacement, text)
    return text


def marked(mark, text):
    return [f"{mark} {line}".rstrip() for line in text.splitlines()]


def broken_rules(command, status, out, err, changed):
    """What is wrong whatever the transcript says."""
    wrong = []
    words = command.split()
    is_json = "--json" in words
    if changed and (status != 0 or "--dry-run" in words):
        wrong.append("it changed files although it failed or had --dry-run")
    for text in (out, err):
        if re.search(r"[ \t]$", text, re.M) or (text and not text.endswith("\n")):
            wrong.append("blanks at the end of a line, or a last line without its end")
    # of "run" it is the guest's console
    if re.search("[\033\r]", out + err) and "chunkboot run" not in command:
        wrong.append("control characters without a terminal")
    if status != 0 and not re.search(r"^chunkboot: error: .*[^.\n]\nhint: [^\n]*[^.\n]$", err, re.M):
        wrong.append("no error with a hint on stderr")
    if "--help" in words and re.search(r"^.{81}", out, re.M):
        wrong.append("help is wider than 80 columns")
    if is_json and "--help" not in words:
        try:
            documents = [json.loads(line) for line in out.splitlines()]
        except ValueError:
            return [*wrong, "stdout is not JSON"]
        if not documents or not all(isinstance(d.get("type"), str) for d in documents):
            wrong.append("no document, or one without type")
        elif status != 0 and (set(documents[-1]) != {"type", "code", "message", "hint"} or
                              documents[-1]["type"] != "error"):
            wrong.append("no error document")
    return wrong


def run(case, folder, environment):
    """The results as lines, and what is wrong in any case; None: skipped."""
    for line in case.preparation:
        subprocess.run(["bash", "-ec", line], cwd=folder, env=environment, check=True, stdin=subprocess.DEVNULL)
    before = look(folder)
    command = "\n".join(case.command)
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=LIMIT_S, check=False)
    if done.returncode == SKIP_STATUS:
        return None, []
    changed = changes(before, look(folder))
    out, err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
    results = [f"exit {done.returncode}", *marked(">", normal(out, NORMAL)), *marked("!", normal(err, NORMAL)), *changed]
    if "account add" in command and "--passphrase-file" not in command:
        # the directory is new or is not, as its two digits have it
        results = [normal(line, MADE) for line in results if not re.search(r"^\+ .*/accounts/[0-9a-f]{2}/$", line)]
    return results, broken_rules(command, done.returncode, out, err, changed)


def check(case, top, fixture, port, environment):
    """One line of the report; False when the case failed."""
    folder = top / case.name.replace("/", "-")
    shutil.copytree(fixture, folder, symlinks=True)
    environment = dict(environment, URL=f"http://127.0.0.1:{port}/{folder.name}/repo/")
    results, wrong = run(case, folder, environment)
    # a case may have taken its own permissions away
    subprocess.run(["chmod", "-R", "u+rwX", folder], check=False)
    shutil.rmtree(folder)
    if results is None:
        print(f"skip {case.name} not possible for this user on this machine")
        return True
    if case.results != results and os.environ.get("UPDATE"):
        case.results = results
    if case.results == results and not wrong:
        print(f"ok {case.name}")
        return True
    print(f"not ok {case.name}")
    for line in wrong:
        print(f"  {line}")
    for line in ["wanted:", *case.results, "got:", *results] if case.results != results else []:
        print(f"  {line}")
    return False


def main():
    words = sys.argv[1:]
    if not os.path.exists(FAKETIME):
        print("faketime is not installed")
        sys.exit(SKIP_STATUS)
    build = os.environ.get("CB_BUILD", str(TOP / "build"))
    is_good = True
    with tempfile.TemporaryDirectory(dir=os.environ.get("CB_TEST_TMP")) as name:
        top = pathlib.Path(name)
        environment = {
            "PATH": f"{TRANSCRIPTS}/bin:{os.environ['PATH']}", "HOME": name, "LC_ALL": "C.UTF-8", "TZ": "UTC",
            "TMPDIR": name, "CB_TOOL": f"{build}/chunkboot", "CB_FAKETIME": FAKETIME}
        prepare(top / "fixture", environment)
        port = start_mirror(name)
        for path in sorted(TRANSCRIPTS.glob("*.txt")):
            cases = parse(path)
            for case in cases:
                if not words or any(word in case.name for word in words):
                    is_good = check(case, top, top / "fixture", port, environment) and is_good
            if os.environ.get("UPDATE"):
                path.write_text("\n".join(line for case in cases for line in case.text()) + "\n", encoding="utf-8")
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
