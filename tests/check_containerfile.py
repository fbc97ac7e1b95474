#!/usr/bin/env python3
"""Checks a Containerfile without building it: check_containerfile.py ROOT, or --self-test

The two lists of ignored files are equal: podman and buildah read .containerignore, docker Containerfile.dockerignore.
Known instructions; stages that exist; files to copy that are there and are not ignored; no download but by scripts of ours
and apt; no root at the end of a stage that has a command."""
import fnmatch
import re
import sys
import tempfile
from pathlib import Path

INSTRUCTIONS = {"ARG", "FROM", "ENV", "WORKDIR", "COPY", "RUN", "USER", "CMD"}
DOWNLOADS = re.compile(r"\b(curl|wget|git|pip3?|npm|conda|https?:)")


def instructions(text):
    """Yields (line, instruction, rest), with continued lines joined."""
    joined, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if not joined and (not line.strip() or line.lstrip().startswith("#")):
            continue
        start = start if joined else number
        joined += line.rstrip("\\") + " " if line.endswith("\\") else line
        if not line.endswith("\\"):
            name, _, rest = joined.strip().partition(" ")
            yield start, name, rest.strip()
            joined = ""


def ignored(root, path):
    patterns = (root / ".containerignore").read_text().split() if (root / ".containerignore").exists() else []
    return any(fnmatch.fnmatch(path, pattern) or path.startswith(pattern + "/") for pattern in patterns)


class Checker:
    def __init__(self, root):
        self.root, self.problems = root, []
        self.stages, self.user, self.command = [], "", False

    def check(self):
        self.line = 1
        names = (".containerignore", "Containerfile.dockerignore")
        lists = [(self.root / name).read_text() if (self.root / name).exists() else "" for name in names]
        if lists[0] != lists[1]:
            self.fail(f"expected {' and '.join(names)} to be equal, got two lists")
        for line, name, rest in instructions((self.root / "Containerfile").read_text()):
            self.line = line
            if name not in INSTRUCTIONS:
                self.fail(f"expected one of {', '.join(sorted(INSTRUCTIONS))}, got {name}")
            else:
                self.ACTIONS.get(name, lambda self, rest: None)(self, rest)
        self.end_stage()
        return self.problems

    def fail(self, text):
        self.problems.append(f"Containerfile:{self.line}: {text}")

    def end_stage(self):
        if self.command and self.user in ("", "root"):
            self.fail("expected a user before the end of a stage with a command, got root")
        self.user, self.command = "", False

    def begin_stage(self, rest):
        self.end_stage()
        image, _, stage = rest.partition(" AS ")
        if image != "${BASE}" and image not in self.stages:
            self.fail(f"expected ${{BASE}} or an earlier stage, got {image}")
        self.stages.append(stage)

    def copy(self, rest):
        source = re.match(r"--from=(\S+) ", rest)
        if source and source[1] not in self.stages:
            self.fail(f"expected an earlier stage, got {source[1]}")
        for path in [] if source else rest.split()[:-1]:
            if not (self.root / path).exists() or ignored(self.root, path):
                self.fail(f"expected a file of the tree that is not ignored, got {path}")

    def run(self, rest):
        if DOWNLOADS.search(rest):
            self.fail(f"expected no download beside those of scripts/setup.sh and apt, got {rest}")
        program = rest.split()[0]
        if program.startswith("scripts/") and not (self.root / program).exists():
            self.fail(f"expected a script that is there, got {program}")

    def set_user(self, rest):
        self.user = rest

    def set_command(self, rest):
        self.command = True

    ACTIONS = {"FROM": begin_stage, "COPY": copy, "RUN": run, "USER": set_user, "CMD": set_command}


def self_test():
    good = "ARG BASE=x\nFROM ${BASE} AS a\nCOPY a.sh .\nRUN scripts/a.sh \\\n  b\nFROM a AS b\nCOPY --from=a /x /x\nUSER u\nCMD [\"x\"]\n"
    bad = {
        "got ADD": "ADD https://example.org/x /x\n",
        "got debian": "FROM debian AS c\n",
        "earlier stage, got z": "FROM a AS c\nCOPY --from=z /x /x\n",
        "got b.sh": "FROM a AS c\nCOPY b.sh .\n",
        "got build/a": "FROM a AS c\nCOPY build/a .\n",
        "got curl": "FROM a AS c\nRUN curl example.org\n",
        "got scripts/b.sh": "FROM a AS c\nRUN scripts/b.sh\n",
        "got root": "FROM a AS c\nCMD [\"x\"]\n",
    }
    missed = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("scripts/a.sh", "a.sh", "build/a"):
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).touch()
        for name in (".containerignore", "Containerfile.dockerignore"):
            (root / name).write_text("build\n")
        for expected, text in {"": "", **bad}.items():
            (root / "Containerfile").write_text(good + text)
            found = Checker(root).check()
            if [expected in problem for problem in found] != [True] * (expected != ""):
                missed.append(f"{expected or 'nothing'}: {found}")
        (root / "Containerfile").write_text(good)
        (root / "Containerfile.dockerignore").write_text("")
        if not any("to be equal" in problem for problem in Checker(root).check()):
            missed.append("two lists of ignored files")
    print("\n".join(missed) or "check_containerfile.py: finds what is wrong")
    return 1 if missed else 0


if __name__ == "__main__":
    if sys.argv[1] == "--self-test":
        sys.exit(self_test())
    problems = Checker(Path(sys.argv[1])).check()
    print("\n".join(problems) or "Containerfile: right")
    sys.exit(1 if problems else 0)
