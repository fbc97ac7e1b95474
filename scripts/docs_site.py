#!/usr/bin/env python3
"""Puts the documents where MkDocs reads them, and lists them by topic: docs_site.py ROOT OUT

OUT/source has the documents in the folders of the tree, so that their links stay as they are, with the files that they
link to; OUT/mkdocs.yml is docs/site/mkdocs.yml with the list of pages. A document without a topic is under "More"."""
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

TOPICS = {
    "Use": ["install", "caption", "locate", "report", "map", "watch", "serve", "python", "models", "demo-model"],
    "Train and score": ["data", "training", "ablations", "eval"],
    "Measurements": ["benchmarks"],
    "Develop": ["library", "api", "architecture", "building", "CONTRIBUTING", "security", "release", "containers", "third_party"],
}
HIDDEN = ("tests/", "docs/site/", "src/")
API_PAGE = "# C++ API\n\nThe reference of the installed headers has pages of its own: [libccexpert](../api/index.html).\n"


def documents(root):
    """Documents of the tree, README.md first."""
    listed = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", "*.md"], check=True, capture_output=True,
                            text=True).stdout.splitlines()
    return sorted((name for name in listed if not name.startswith(HIDDEN) and (root / name).exists()),
                  key=lambda name: (name != "README.md", name))


def linked_files(root, name):
    """Files of the tree that a document links to or shows, other than documents."""
    text = (root / name).read_text()
    for groups in re.findall(r"\]\(([^)#\s]+)|(?:src|href)=\"([^\"#]+)\"", text):
        target = next(filter(None, groups))
        if "://" not in target and not target.startswith("mailto:"):
            file = (root / name).parent.joinpath(target).resolve()
            if file.is_file() and file.is_relative_to(root) and file.suffix != ".md":
                yield file.relative_to(root)


def topic_key(name):
    """The name of a document in TOPICS: that of the file, or of a README's folder."""
    path = Path(name)
    return path.parent.name if path.name == "README.md" else path.stem


def pages(names):
    """The list of pages as MkDocs takes it."""
    left = [name for name in names if name not in ("README.md", "CHANGELOG.md")]
    result = [{"Start": "README.md"}]
    for topic, keys in TOPICS.items():
        chosen = [name for key in keys for name in left if topic_key(name) == key]
        left = [name for name in left if name not in chosen]
        result.append({topic: chosen})
    if left:
        result.append({"More": left})
    return [*[entry for entry in result if all(entry.values())], {"Changes": "CHANGELOG.md"}]


def main():
    root, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    source, names = out / "source", documents(root)
    shutil.rmtree(source, ignore_errors=True)
    for name in {*map(Path, names), *(file for name in names for file in linked_files(root, name))}:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, source / name)
    (source / "docs/api.md").write_text(API_PAGE)
    shutil.copytree(root / "docs/site/assets", source / "assets")
    config = {"INHERIT": str(root / "docs/site/mkdocs.yml"), "docs_dir": str(source), "site_dir": str(out / "site"),
              "nav": pages([*names, "docs/api.md"])}
    (out / "mkdocs.yml").write_text(json.dumps(config, indent=1) + "\n")


if __name__ == "__main__":
    main()
