#!/usr/bin/env python3
"""Checks that what README.md shows is what the tree has: check_readme.py ROOT"""
import re
import sys
from pathlib import Path

root = Path(sys.argv[1])
readme = (root / "README.md").read_text()
problems = []
for name in ("tests/consumer/main.cpp", "tests/consumer/CMakeLists.txt"):
    if (root / name).read_text().strip() not in readme:
        problems.append(f"README.md does not show {name} as it is")
for target in re.findall(r"\]\(([^)#:]+)\)|src=\"([^\":]+)\"", readme):
    path = target[0] or target[1]
    if not (root / path).exists():
        problems.append(f"README.md links to {path}, which is not there")
for line in readme.splitlines():
    if re.fullmatch(r"@\w+@", line.strip()):
        problems.append(f"README.md has {line.strip()}, which was to be filled in")
print("\n".join(problems) or "README.md: true")
sys.exit(1 if problems else 0)
