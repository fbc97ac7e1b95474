#!/usr/bin/env python3
"""Checks which sources cmake/joined_groups.py joins: check_joined_groups.py ROOT"""
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(sys.argv[1]) / "cmake"))
import joined_groups  # noqa: E402


def source(*lines):
    return "\n".join(["namespace ccexpert::room {", "namespace {", *lines, "}  // namespace", "}"]) + "\n"


CALLER = "int two() { return text_of(1); }\n"
CASES = {
    "a function of two sources": ([source("int size_of(int value) {", "  return value;", "}")] * 2, []),
    "a constant": ([source("constexpr int kMost = 4;"), source("constexpr double kMost = 1;")], []),
    "a type": ([source("struct Row {", "  int size;", "};"), source("class Row final : public Base {", "};")], []),
    "equal aliases": ([source("namespace fs = std::filesystem;", "using json = nlohmann::json;")] * 2, [[0, 1]]),
    "other aliases": ([source("using json = nlohmann::json;"), source("using json = nlohmann::ordered_json;")], []),
    "an alias and a type": ([source("using Row = int;"), source("struct Row {};")], []),
    "members and other names": ([source("int a(int size) {", "  int last = size;", "}"), source("int last();")], [[0, 1]]),
    "a call of an outer function": ([source("int text_of(int a);"), CALLER], []),
    "a call before the name": ([CALLER, source("int text_of(int a);")], []),
    "a member's call": ([source("int text_of(int a);"), "int two() { return a.text_of(1); }\n"], [[0, 1]]),
    "a macro": (["#define ROWS 4\n", source("int rows();"), source("int columns();")], [[1, 2]]),
    "two groups": ([source("int a();"), source("int b();"), source("int a();"), source("int b();")], [[0, 1], [2, 3]]),
    "a full group": ([source(f"int a{number}();") for number in range(5)], [[0, 1, 2], [3, 4]]),
}
problems = []
for name, (texts, expected) in CASES.items():
    got = joined_groups.groups(dict(enumerate(texts)), 3)
    if got != expected:
        problems.append(f"{name}: expected {expected}, got {got}")
texts = dict(enumerate([source("constexpr int kHint = 1;"), source("int rows();"), source("int columns();")]))
if joined_groups.groups(texts, 3, {"kHint"}) != [[1, 2]]:
    problems.append("a name of a header: expected its source alone")
print("\n".join(problems) or "joined sources: as expected")
sys.exit(1 if problems else 0)
