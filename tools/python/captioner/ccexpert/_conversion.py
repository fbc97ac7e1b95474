"""Conversion of data sets to the lists that training reads."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Union

from . import _native


class Source(NamedTuple):
    """Kind of data set: `layout` names the files by which it is recognised."""

    name: str
    title: str
    layout: str


@dataclass(frozen=True)
class Conversion:
    """Result of a conversion.

    source: as recognised. splits: counts of "pairs", "captions", "changed" and "unchanged" by split.
    merged: entries merged into an earlier one of the same pair. left_out: bad entries, listed in left-out.jsonl.
    passed_over: entries of other tasks. blank_captions: dropped ones.
    """

    folder: Path
    source: str
    splits: Dict[str, Dict[str, int]]
    merged: int
    left_out: int
    passed_over: int
    blank_captions: int


def sources() -> List[Source]:
    """Returns the data sets that `convert` knows."""
    return [Source(*each) for each in _native.sources()]


def convert(input: Union[str, "os.PathLike[str]"], output: Union[str, "os.PathLike[str]"], *, source: str = "auto",
            before: str = "", after: str = "", captions_csv: Union[str, "os.PathLike[str]"] = "",
            check_images: bool = True, crops: bool = True, on_progress: Optional[Callable[[int], Optional[bool]]] = None,
            **options: Any) -> Conversion:
    """Converts a published data set, or a folder of a user's images, as ccexpert-data convert does.

    input: folder of the data set. output: folder for train.json, val.json, test.json. source: a name of `sources()`, or
    "auto". before, after: names of the image folders within `input`, for a user's images. captions_csv: their captions.
    check_images: requires that image files exist. crops: cut windows if only masks are known. on_progress: called with
    numbers of entries that were read; False ends the conversion. options: format, paths, captions, on_error, overwrite,
    seed, jobs, crop_target, ... as the command names them.

    Nothing is written unless all is. Raises Error, and InterruptedError if `on_progress` ended it.
    """
    made = _native.convert(Path(input), Path(output), source, (before, after), os.fspath(captions_csv),
                           (check_images, crops), options, on_progress)
    if made.pop("interrupted"):
        raise InterruptedError("convert: ended by on_progress; nothing was written")
    return Conversion(Path(output), **made)
