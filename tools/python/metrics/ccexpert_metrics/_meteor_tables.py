"""The files of METEOR's tables and where they come from. Only an installation loads it: its modules of Python took a
tenth of the time of `import ccexpert_metrics`."""

from __future__ import annotations

import importlib.util
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Optional, Tuple

from ._error import Error

# The wheel that has METEOR's jar, by its SHA-256; only tables are read from it (third_party/wheels-meteor.txt).
WHEEL = "pycocoevalcap==1.2 --hash=sha256:083ed7910f1aec000b0a237ef6665f74edf19954204d0b1cbdb8399ed132228d"
PARAPHRASES = "paraphrase-en.gz"
IN_JAR = ("synonym/english.synsets", "synonym/english.exceptions", "synonym/COPYING.WORDNET",
          "function/english.words", "nonbreaking/english.prefixes")


def write_tables(paraphrases: bytes, jar: bytes, folder: Path) -> None:
    """Writes the paraphrases and the tables of the jar into a new folder, all or nothing."""
    members = {PARAPHRASES: paraphrases}
    with zipfile.ZipFile(io.BytesIO(jar)) as files:
        members.update((name, files.read(name)) for name in IN_JAR)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as work:
        made = Path(work) / folder.name
        for name, data in members.items():
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            (made / name).write_bytes(data)
        made.rename(folder)


def _of_package() -> Optional[Tuple[bytes, bytes]]:
    """Returns the paraphrases and the jar of an installed pycocoevalcap, or None."""
    spec = importlib.util.find_spec("pycocoevalcap")
    if spec is None or not spec.submodule_search_locations:
        return None
    meteor = Path(spec.submodule_search_locations[0]) / "meteor"
    files = meteor / "data" / PARAPHRASES, meteor / "meteor-1.5.jar"
    return (files[0].read_bytes(), files[1].read_bytes()) if all(file.is_file() for file in files) else None


def _downloaded() -> Tuple[bytes, bytes]:
    with tempfile.TemporaryDirectory() as work:
        wanted = Path(work) / "wanted.txt"
        wanted.write_text(WHEEL + "\n")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
                   "--require-hashes", "--dest", work, "--requirement", str(wanted)]
        made = subprocess.run(command, capture_output=True, text=True)
        if made.returncode != 0:
            reason = (made.stderr.strip().splitlines() or ["pip failed"])[-1]
            raise Error(f"METEOR's tables: the download failed ({reason})", "resource")
        (wheel,) = Path(work).glob("pycocoevalcap-*.whl")
        with zipfile.ZipFile(wheel) as files:
            meteor = "pycocoevalcap/meteor"
            return files.read(f"{meteor}/data/{PARAPHRASES}"), files.read(f"{meteor}/meteor-1.5.jar")


def read_tables() -> Tuple[bytes, bytes]:
    """Returns the paraphrases and the jar, from an installed pycocoevalcap, else from its wheel."""
    return _of_package() or _downloaded()
