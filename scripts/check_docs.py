#!/usr/bin/env python3
"""Checks the command blocks of the documents (README.md, CONTRIBUTING.md, docs/*.md, READMEs of packages).

check_docs.py ROOT [--build DIR]           marks, syntax, names of programs and options; two seconds
check_docs.py ROOT --build DIR --run       also runs every block, in a small world of its own (docs_world.py)
check_docs.py --self-test

A block of commands is fenced by ```sh, a synopsis by ```text. A block of commands is run as it stands, by bash with
`set -e`, unless comments right above it, which no reader of the page sees, say otherwise:

    <!-- not runnable: needs eight GPUs -->            is not run, for this reason
    <!-- run with: --pairs 10000 -> --pairs 4 -->      this text is replaced before the run (several: one comment each)
    <!-- run first: mkdir 2018; touch 2018/a.png -->   what the block needs before it

With --only TEXT just the blocks run whose place (docs/map.md:13) or text has TEXT; --keep FOLDER keeps their worlds.
"""
import argparse
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

BLOCK_SECONDS = 120  # of a block, which otherwise hangs
CPU_SECONDS = 360    # of all blocks: three minutes of two cores
PROGRAM = r"ccexpert-[a-z]+"


class Refused(Exception):
    """A mark or a block that is wrong, with the sentence that says so."""


@dataclass
class Block:
    place: str
    language: str
    text: str
    reason: str = ""                                  # why it is not run
    replaced: list = field(default_factory=list)      # (text, by)
    first: list = field(default_factory=list)         # commands before it

    def script(self):
        text = self.text
        for old, new in self.replaced:
            if old not in text:
                raise Refused(f"{self.place}: expected the text to replace in the block, got \"{old}\"")
            text = text.replace(old, new)
        return "\n".join([*self.first, text]) + "\n"


def documents(root):
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard", "*.md"], capture_output=True, text=True)
    names = listed.stdout.split("\n") if listed.returncode == 0 else [str(p.relative_to(root)) for p in root.rglob("*.md")]
    return [root / name for name in sorted(filter(None, names)) if name != "CHANGELOG.md" and (root / name).exists()]


def apply_mark(block, mark, value):
    if mark == "not runnable":
        block.reason = value
    elif mark == "run first":
        block.first.append(value)
    else:
        old, arrow, new = value.partition(" -> ")
        if not arrow or not old.strip():
            raise Refused(f"{block.place}: expected \"run with: TEXT -> OTHER\", got \"{value}\"")
        block.replaced.append((old.strip(), new.strip()))


def checked(block, marks, has_commands):
    """Returns the block with its marks, or raises Refused."""
    for mark, value in marks:
        if not value:
            raise Refused(f"{block.place}: expected text after \"{mark}:\", got none")
        apply_mark(block, mark, value)
    if marks and block.language != "sh":
        raise Refused(f"{block.place}: expected ```sh after a mark, got ```{block.language}")
    if has_commands and not block.language:
        raise Refused(f"{block.place}: expected ```sh for commands or ```text for a synopsis, got no language")
    if block.reason and (block.replaced or block.first):
        raise Refused(f"{block.place}: expected \"not runnable\" alone, got other marks beside it")
    if not block.reason:
        block.script()
    return block


class Reader:
    """Reads the blocks of a document line by line; problems are sentences."""

    COMMAND = re.compile(rf"\s*(?:\$ )?(?:{PROGRAM}|scripts/\w+\.(?:sh|py)|pip install|build/\S+/{PROGRAM})\b")
    MARK = re.compile(r"\s*<!-- (not runnable|run with|run first):\s*(.*?)\s*-->\s*")

    def __init__(self, name):
        self.name, self.blocks, self.problems = name, [], []
        self.marks, self.lines, self.fence = [], [], None
        self.blank_before = True

    def read(self, text):
        for number, line in enumerate(text.splitlines(), 1):
            if self.fence is None:
                self.outside(number, line)
            elif line.strip() == "```":
                self.close()
            else:
                self.lines.append(line[self.indent:] if not line[:self.indent].strip() else line)
        if self.fence is not None:
            self.problems.append(f"{self.name}:{self.start}: expected the end of the block, got none")
        return self

    def outside(self, number, line):
        fence = re.fullmatch(r"(\s*)```([\w+-]*)\s*", line)
        mark = self.MARK.fullmatch(line)
        if fence:
            self.indent, self.fence = len(fence[1]), fence[2]
            self.start, self.lines = number, []
        elif mark:
            self.marks.append((mark[1], mark[2]))
        else:
            self.text_outside(number, line)
        self.blank_before = not line.strip()

    def text_outside(self, number, line):
        place = f"{self.name}:{number}"
        if self.marks and line.strip():
            self.problems.append(f"{place}: expected a block right after its mark, got text")
            self.marks = []
        if re.match(r"\s*<!--\s*(not[ -]runnable|run[ -](with|first))", line):
            self.problems.append(f"{place}: expected a mark as \"<!-- not runnable: REASON -->\" on one line, got {line.strip()}")
        if self.blank_before and re.match(r"    \S", line) and self.COMMAND.match(line):
            self.problems.append(f"{place}: expected ```sh around commands, got an indented block")

    def close(self):
        has_commands = any(map(self.COMMAND.match, self.lines))
        block = Block(f"{self.name}:{self.start}", self.fence, "\n".join(self.lines))
        marks, self.marks, self.fence = self.marks, [], None
        try:
            self.blocks.append(checked(block, marks, has_commands))
        except Refused as refused:
            self.problems.append(str(refused))


def syntax_problems(block):
    if block.language == "python":
        try:
            compile(block.text, block.place, "exec")
        except SyntaxError as error:
            yield f"{block.place}: expected Python, got {error.msg} in its line {error.lineno}"
    elif block.language == "sh":
        result = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True)
        if result.returncode != 0:
            yield f"{block.place}: expected commands of bash, got {result.stderr.strip()}"


def commands_of(text):
    """Yields (program, options) of a block; a program is ccexpert-NAME or scripts/NAME."""
    text = re.sub(r"\\\n", " ", text)
    for line in text.split("\n"):
        line = re.sub(r"(^|\s)#.*", "", line)
        for part in re.split(r"[|;&]+|\bdo\b|\bexec\b", line):
            match = re.search(rf"(?:^|[\s/])({PROGRAM}|scripts/\w+\.(?:sh|py))(?=\s|$)(.*)", part)
            if match:
                yield match[1], re.findall(r"(?:^|\s)(--[a-z][\w-]*)", match[2])


class Options:
    """The options of programs and scripts, asked once for each."""

    def __init__(self, root, build):
        self.root, self.build, self.known = root, build, {}

    def of(self, program):
        """Returns a text with all options, or None if nothing can tell."""
        if program not in self.known:
            self.known[program] = self.ask(program)
        return self.known[program]

    def ask(self, program):
        if program.startswith("scripts/"):
            file = self.root / program
            return file.read_text() if file.exists() else ""
        if self.build is None:
            return None
        file = self.build / "tools" / program
        if not file.exists():
            # A program that needs an outside library is built if it is there.
            return None if self.is_target(program) else ""
        result = subprocess.run([file, "--completion", "fish"], capture_output=True, text=True)
        return re.sub(r"-l (\w)", r"--\1", result.stdout) + " --help --version"

    def is_target(self, program):
        return (self.root / "tools" / program.removeprefix("ccexpert-")).is_dir()


def option_problems(block, options):
    for program, used in commands_of(block.text):
        known = options.of(program)
        if known == "":
            yield f"{block.place}: expected a program or script that is there, got {program}"
        elif known is not None:
            for option in used:
                if not re.search(rf"(?<![\w-]){option}(?![\w-])", known):
                    yield f"{block.place}: expected an option of {program}, got {option}"


def read_documents(root):
    readers = [Reader(str(file.relative_to(root))).read(file.read_text()) for file in documents(root)]
    return [block for reader in readers for block in reader.blocks], [each for reader in readers for each in reader.problems]


def check(root, build):
    blocks, problems = read_documents(root)
    options = Options(root, build)
    for block in blocks:
        problems += syntax_problems(block)
        if block.language == "sh":
            problems += option_problems(block, options)
    return [block for block in blocks if block.language == "sh"], problems


def run_in(folder, block, environment):
    """Runs a block and returns its exit code and output. A block that hangs is ended with all its processes."""
    command = ["bash", "-c", "set -euo pipefail\n" + block.script()]
    with open(folder / ".output", "w+") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            code = process.wait(BLOCK_SECONDS)
        except subprocess.TimeoutExpired:
            code = f"none after {BLOCK_SECONDS} s"
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)  # also what the block left running
            except ProcessLookupError:
                pass
            process.wait()
        output.seek(0)
        return code, output.read()


def missing_program(block, build):
    """Returns the program of a block that this build left out, if any."""
    for program, _ in commands_of(block.script()):
        if program.startswith("ccexpert-") and not (build / "tools" / program).exists():
            return program
    return None


def run_block(block, world, build, keep):
    """Prints a line about a block and returns True if it passed."""
    missing = missing_program(block, build)
    if block.reason or missing:
        print(f"   -    {block.place}: " + (block.reason or f"{missing} is not built"))
        return True
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "world"
        world.copy_to(folder)
        code, output = run_in(folder, block, world.environment())
        if keep:
            shutil.copytree(folder, keep / re.sub(r"\W+", "-", block.place), symlinks=True, dirs_exist_ok=True)
    print(f"{time.monotonic() - start:5.1f} s {block.place}" + ("" if code == 0 else f": expected exit code 0, got {code}"),
          flush=True)
    if code != 0:
        print("\n".join("        " + line for line in [*block.script().splitlines(), "=>", *output.splitlines()[-15:]]))
    return code == 0


def run(blocks, root, build, keep=None):
    from docs_world import World
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder) / "world", root, build)
        passed = [run_block(block, world, build, keep) for block in blocks]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = used.ru_utime + used.ru_stime
    print(f"{sum(1 for block in blocks if not block.reason)} blocks to run, {passed.count(False)} failed, "
          f"{seconds:.0f} s of processor time")
    if seconds > CPU_SECONDS:
        print(f"expected at most {CPU_SECONDS} s of processor time, got {seconds:.0f} (use smaller fixtures, or a mark)")
    return all(passed) and seconds <= CPU_SECONDS


def self_test():
    """Each fault is found, and a document without faults has none."""
    fence = "```"
    faults = {
        "got no language": f"{fence}\nccexpert-caption a b\n{fence}\n",
        "got an indented block": "\n    pip install x\n",
        "got text": f"<!-- run first: true -->\ntext\n{fence}sh\ntrue\n{fence}\n",
        "got none": f"<!-- not runnable: -->\n{fence}sh\ntrue\n{fence}\n",
        "expected \"run with: TEXT -> OTHER\"": f"<!-- run with: a b -->\n{fence}sh\na b\n{fence}\n",
        "expected the text to replace": f"<!-- run with: c -> d -->\n{fence}sh\na b\n{fence}\n",
        "expected a mark as": f"<!-- not-runnable, slow -->\n{fence}sh\ntrue\n{fence}\n",
        "expected ```sh after": f"<!-- not runnable: x -->\n{fence}json\n1\n{fence}\n",
        "got other marks": f"<!-- not runnable: x -->\n<!-- run first: y -->\n{fence}sh\ntrue\n{fence}\n",
        "expected the end": f"{fence}sh\ntrue\n",
        "expected commands of bash": f"{fence}sh\nif true; then\n{fence}\n",
        "expected Python": f"{fence}python\nif True\n{fence}\n",
        "got --colour": f"{fence}sh\nscripts/tool.sh --colour x \\\n  --size 3\n{fence}\n",
        "got scripts/other.sh": f"{fence}sh\nfalse || scripts/other.sh\n{fence}\n",
    }
    good = f"<!-- run with: 9 -> 1 -->\n<!-- run first: mkdir a -->\n{fence}sh\nscripts/tool.sh --size 9 > a/b\n{fence}\n"
    missed = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "scripts").mkdir()
        (root / "scripts/tool.sh").write_text("case $1 in --size) ;; esac\n")
        for expected, text in {**faults, "": good}.items():
            (root / "a.md").write_text(text)
            blocks, problems = check(root, None)
            if [expected in problem for problem in problems] != [True] * (expected != ""):
                missed.append(f"{expected or 'nothing'}: {problems}")
        missed += [text for text in [blocks[0].script()] if text != "mkdir a\nscripts/tool.sh --size 1 > a/b\n"]
        code, _ = run_in(root, Block("a.md:1", "sh", "false\ntrue"), dict(os.environ))
        missed += [f"a block whose first command fails: {code}"] if code != 1 else []
    print("\n".join(missed) or "check_docs.py: finds what is wrong")
    return 1 if missed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", nargs="?", type=Path, help="checkout with the documents")
    parser.add_argument("--build", type=Path, help="build folder with tools/ccexpert-*")
    parser.add_argument("--run", action="store_true", help="run the blocks")
    parser.add_argument("--only", default="", help="run only blocks whose place or text has this")
    parser.add_argument("--keep", type=Path, help="folder for the worlds of the blocks after their run")
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test()
    if arguments.root is None or (arguments.run and arguments.build is None):
        parser.error("expected ROOT, and --build with --run")
    root, build = arguments.root.resolve(), arguments.build and arguments.build.resolve()
    blocks, problems = check(root, build)
    print("\n".join(problems) or f"{len(blocks)} blocks: marks, syntax and options are right")
    if problems:
        return 1
    chosen = [block for block in blocks if arguments.only in block.place or arguments.only in block.text]
    return 0 if not arguments.run or run(chosen, root, build, arguments.keep) else 1


if __name__ == "__main__":
    sys.exit(main())
