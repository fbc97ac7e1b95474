#!/usr/bin/env python3
"""Checks that rooms include only the rooms they use, through public or shared headers, and that heavy headers stay in place.

    check_include_direction.py ROOT            one line per violation, exit code 1 if there is any
    check_include_direction.py --graph ROOT    the graph of rooms, as docs/architecture.md shows it
    check_include_direction.py --self-test

src/CMakeLists.txt lists the rooms and what each uses; this check, the installed package and the docs follow it.
"""
import re
import sys
import tempfile
from pathlib import Path

# Public headers without a folder of their own.
ROOM_OF_HEADER = {"captioner.h": "generate", "version.h": "generate"}
TORCH_NN_ROOMS = {"model", "generate", "train"}
OPENCV_ROOMS = {"image", "synth", "page", "datasets"}
GDAL = re.compile(r"^(gdal|ogr|cpl)\w*\.h$|^geodesic\.h$")
HTTP = re.compile(r"^(boost|prometheus|openssl)/|^httplib\.h$")
TORCH_ROOMS = TORCH_NN_ROOMS | {"io", "distributed", "kernels", "runtime"}
ROOM = re.compile(r"^ccexpert_room\((\w+)([^)]*)\)", re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')


def read_graph(root):
    """The rooms that each room uses, as src/CMakeLists.txt lists them; tools may use every room."""
    graph = {}
    for room, arguments in ROOM.findall((root / "src/CMakeLists.txt").read_text()):
        uses = re.search(r"\bUSES((?:\s+[a-z]\w*)+)", arguments)
        graph[room] = uses.group(1).split() if uses else []
    graph["tools"] = list(reversed(graph))
    return graph


def graph_text(graph):
    """One line a room, from tools down; the rooms that use core alone share the last line."""
    rows = [(room, graph[room]) for room in reversed(graph) if graph[room] not in ([], ["core"])]
    rows.append((", ".join(room for room in graph if graph[room] == ["core"]), ["core"]))
    return "\n".join(f"{room:12} → {' '.join(uses)}" for room, uses in rows)


def room_of_file(path, root):
    parts = path.relative_to(root).parts
    if parts[0] == "include":
        return ROOM_OF_HEADER.get(parts[2], parts[2])
    return "tools" if parts[0] == "tools" else parts[1]


def room_of_include(graph, name):
    parts = name.split("/")
    if parts[0] == "ccexpert":
        return ROOM_OF_HEADER.get(parts[1], parts[1])
    return parts[0] if len(parts) > 1 and parts[0] in graph else None


def is_closed(root, room):
    """True for a room with public or shared headers: no other room includes the rest of its folder of src/ (core's
    helpers serve all)."""
    return room != "core" and any((root / folder).is_dir() for folder in (f"include/ccexpert/{room}", f"src/{room}/shared"))


def private_problems(root, path, target, name):
    room = room_of_file(path, root)
    if not (root / "src" / name).exists() or name.startswith("ccexpert/"):
        return
    if path.is_relative_to(root / "include"):
        yield f"public header includes the private {name}"
    elif target not in (None, room) and is_closed(root, target) and not name.startswith(f"{target}/shared/"):
        yield f"room {room} includes the private {name}"


def problems_of(graph, room, name):
    target = room_of_include(graph, name)
    if target is not None and target != room and target not in graph[room]:
        yield f"room {room} may not include {target}"
    if name.startswith(("torch/nn", "torch/torch.h", "torch/types.h")) and room not in TORCH_NN_ROOMS:
        yield f"torch::nn header in room {room}"
    if name.startswith(("torch/", "ATen/", "c10/")) and room not in TORCH_ROOMS:
        yield f"LibTorch header in room {room}"
    if name.startswith("opencv2/") and room not in OPENCV_ROOMS:
        yield f"OpenCV header in room {room}"
    if GDAL.match(name) and room != "geo":
        yield f"GDAL header in room {room}"
    if HTTP.match(name) and room != "serve":
        yield f"header of a server in room {room}"
    if "c10d/" in name and room != "distributed":
        yield f"c10d header in room {room}"


def violations(root):
    graph = read_graph(root)
    files = [path for folder in ("include", "src", "tools") for path in sorted((root / folder).rglob("*"))
             if path.suffix in (".h", ".cpp")]
    for path in files:
        room = room_of_file(path, root)
        if room not in graph:
            yield f"{path.relative_to(root)}: unknown room {room}"
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            name = found.group(1)
            private = private_problems(root, path, room_of_include(graph, name), name)
            for problem in (*problems_of(graph, room, name), *private):
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


def stale_docs(root):
    if f"```\n{graph_text(read_graph(root))}\n```" not in (root / "docs/architecture.md").read_text():
        yield "docs/architecture.md: shows another graph of rooms than check_include_direction.py --graph prints"


def check(root):
    found = [*violations(root), *light_headers(root, "ccexpert/captioner.h"), *stale_docs(root)]
    print("\n".join(found) if found else "include direction: clean")
    return 1 if found else 0


def self_test():
    rooms = """ccexpert_room(core PUBLIC Threads::Threads)
ccexpert_room(page USES core)
ccexpert_room(text USES page core)
ccexpert_room(image USES core
              PRIVATE OpenCV::image)
ccexpert_room(model USES text core)
"""
    good = {
        "src/core/json.h": "",
        "src/page/page.h": "",
        "src/text/words.h": "",
        "include/ccexpert/text/text.h": "#include <ccexpert/core/error.h>\n",
        "src/text/words.cpp": '#include "core/json.h"\n#include "page/page.h"\n#include "text/words.h"\n',
        "src/text/shared/marks.h": "",
        "src/model/marks.cpp": '#include "text/shared/marks.h"\n',
    }
    bad = {
        "src/text/a.cpp": '#include "model/b.h"\n',
        "src/image/a.cpp": "#include <torch/nn/module.h>\n",
        "include/ccexpert/core/a.h": "#include <ccexpert/captioner.h>\n",
        "tools/a.cpp": "#include <ATen/ATen.h>\n",
        "src/model/a.cpp": "#include <torch/csrc/distributed/c10d/TCPStore.hpp>\n",
        "src/image/c.cpp": "#include <gdal_priv.h>\n",
        "src/image/d.cpp": "#include <boost/beast/http.hpp>\n",
        "src/attic/a.cpp": "\n",
        "include/ccexpert/captioner.h": "#include <opencv2/core.hpp>\n",
        "src/model/b.cpp": '#include "text/words.h"\n',
        "tools/b.cpp": '#include "text/words.h"\n',
        "include/ccexpert/text/b.h": '#include "text/words.h"\n',
        "include/ccexpert/model/b.h": '#include "text/shared/marks.h"\n',
        "src/image/b.cpp": '#include "text/shared/marks.h"\n',
    }
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in {"src/CMakeLists.txt": rooms, "docs/architecture.md": "", **good, **bad}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        found = list(violations(root))
        missed = [name for name in bad if not any(line.startswith(name) for line in found)]
        missed += [line for line in found if line.startswith(tuple(good))]
        heavy = list(light_headers(root, "ccexpert/captioner.h"))
        stale = list(stale_docs(root))
    if missed or not heavy or not stale:
        print("not found:", missed, heavy, stale)
        return 1
    print("include direction: finds what is wrong")
    return 0


def main(arguments):
    if arguments[0] == "--self-test":
        return self_test()
    if arguments[0] == "--graph":
        print(graph_text(read_graph(Path(arguments[1]))))
        return 0
    return check(Path(arguments[0]).resolve())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
