"""LibTorch of the package torch, loaded before the module that needs it, wherever torch is installed."""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
from pathlib import Path

from ._errors import Error

VERSION = "2.11.0"


def load_libtorch() -> None:
    """Loads the libraries of torch without importing it. Without torch, the module finds those of its build."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return
    version = importlib.metadata.version("torch")
    if version.partition("+")[0] != VERSION:
        raise Error(f"torch: expected {VERSION}, got {version} (pip install torch=={VERSION})")
    for name in ("libc10.so", "libtorch_cpu.so"):
        ctypes.CDLL(str(Path(spec.origin).parent / "lib" / name))
