"""METEOR's tables: their place, and the way to get them."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Optional, Union

from . import _native


@functools.lru_cache(maxsize=None)
def _opened(folder: Optional[Path]) -> _native.MeteorData:
    return _native.open_meteor(folder)


PathLike = Union[str, "os.PathLike[str]"]


def meteor_data(meteor: Union[bool, PathLike]) -> Optional[_native.MeteorData]:
    """Returns the tables that `meteor` means (see `score`), or None for False."""
    if meteor is False:
        return None
    return _opened(None if meteor is True else Path(meteor))


def install_meteor(folder: Optional[PathLike] = None) -> Path:
    """Installs METEOR 1.5's tables (61 MB) in `folder`, by default in the user's cache, and returns the folder.

    They are taken from an installed pycocoevalcap, else from its pinned wheel, which pip downloads (104 MB). Tables
    that are there stay. Raises Error if the download fails.
    """
    from . import _meteor_tables  # late: see there

    folder = Path(folder) if folder is not None else Path(_native.meteor_folder())
    if not (folder / _meteor_tables.PARAPHRASES).is_file():
        _meteor_tables.write_tables(*_meteor_tables.read_tables(), folder)
        _opened.cache_clear()
    return folder
