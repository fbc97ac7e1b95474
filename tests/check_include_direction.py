#!/usr/bin/env python3
"""Checks that rooms include only the rooms they may, and that heavy headers stay where they belong.

    check_include_direction.py ROOT      one line per violation, exit code 1 where there is any
    check_include_direction.py --self-test
"""
import re
import sys
import tempfile
from pathlib import Path

MAY_INCLUDE = {
    "core": set(),
    "text": {"core"},
    "image": {"core"},
    "synth": {"image", "core"},
    "io": {"core"},
    "eval": {"text", "core"},
    "data": {"text", "image", "io", "core"},
    "datasets": {"data", "image", "core"},
    "model": {"io", "core"},
    "generate": {"model", "text", "image", "io", "core"},
    "distributed": {"core"},
    "train": {"distributed", "generate", "eval", "data", "model", "text", "image", "io", "core"},
    "tools": {"train", "distributed", "generate", "eval", "datasets", "data", "synth", "model", "text", "image", "io",
              "core"},
}
# Public headers without a folder of their own.
ROOM_OF_HEADER = {"captioner.h": "generate", "version.h": "generate"}
TORCH_NN_ROOMS = {"model", "generate", "train"}
OPENCV_ROOMS = {"image", "synth", "datasets"}
TORCH_ROOMS = TORCH_NN_ROOMS | {"io", "distributed"}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')


def room_of_file(path, root):
    parts = path.relative_to(root).parts
    if parts[0] == "include":
        return ROOM_OF_HEADER.get(parts[2], parts[2])
    return "tools" if parts[0] == "tools" else parts[1]


def room_of_include(name):
    parts = name.split("/")
    if parts[0] == "ccexpert":
        return ROOM_OF_HEADER.get(parts[1], parts[1])
    return parts[0] if len(parts) > 1 and parts[0] in MAY_INCLUDE else None


def problems_of(room, name):
    target = room_of_include(name)
    if target is not None and target != room and target not in MAY_INCLUDE[room]:
        yield f"room {room} may not include {target}"
    if name.startswith(("torch/nn", "torch/torch.h", "torch/types.h")) and room not in TORCH_NN_ROOMS:
        yield f"torch::nn header in room {room}"
    if name.startswith(("torch/", "ATen/", "c10/")) and room not in TORCH_ROOMS:
        yield f"LibTorch header in room {room}"
    if name.startswith("opencv2/") and room not in OPENCV_ROOMS:
        yield f"OpenCV header in room {room}"
    if "c10d/" in name and room != "distributed":
        yield f"c10d header in room {room}"


def violations(root):
    files = [path for folder in ("include", "src", "tools") for path in sorted((root / folder).rglob("*"))
             if path.suffix in (".h", ".cpp")]
    for path in files:
        room = room_of_file(path, root)
        if room not in MAY_INCLUDE:
            yield f"{path.relative_to(root)}: unknown room {room}"
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = INCLUDE.match(line)
            for problem in problems_of(room, found.group(1)) if found else ():
                yield f"{path.relative_to(root)}:{number}: {problem}"


def light_headers(root, start):
    """All of our headers that `start` brings in; they may use nothing but the standard library."""
    seen, left = set(), [start]
    while left:
        name = left.pop()
        if name in seen:
            continue
        seen.add(name)
        for line in (root / "include" / name).read_text().splitlines():
            found = INCLUDE.match(line)
            if found and found.group(1).startswith("ccexpert/"):
                left.append(found.group(1))
            elif found and ("/" in found.group(1) or found.group(1).endswith(".h")):
                yield f"{name}: brings {found.group(1)} to users of {start}"


def check(root):
    found = list(violations(root)) + list(light_headers(root, "ccexpert/captioner.h"))
    print("\n".join(found) if found else "include direction: clean")
    return 1 if found else 0


def self_test():
    bad = {
        "src/text/a.cpp": '#include "model/b.h"\n',
        "src/image/a.cpp": "#include <torch/nn/module.h>\n",
        "include/ccexpert/core/a.h": "#include <ccexpert/captioner.h>\n",
        "tools/a.cpp": "#include <ATen/ATen.h>\n",
        "src/model/a.cpp": "#include <torch/csrc/distributed/c10d/TCPStore.hpp>\n",
        "src/attic/a.cpp": "\n",
        "include/ccexpert/captioner.h": "#include <opencv2/core.hpp>\n",
    }
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in bad.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        found = list(violations(root))
        missed = [name for name in bad if not any(line.startswith(name) for line in found)]
        heavy = list(light_headers(root, "ccexpert/captioner.h"))
    if missed or not heavy:
        print("not found:", missed, heavy)
        return 1
    print("include direction: finds what is wrong")
    return 0


if __name__ == "__main__":
    sys.exit(self_test() if sys.argv[1] == "--self-test" else check(Path(sys.argv[1]).resolve()))
