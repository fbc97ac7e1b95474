"""Change captioning of bi-temporal remote sensing images (CCExpert), in C++.

    import ccexpert
    captioner = ccexpert.Captioner.load("CCExpert-0.5B")      # without a folder: the demo model
    print(captioner.caption("before.png", "after.png"))
    for text in captioner.stream("before.png", "after.png"):
        print(text, end="", flush=True)

Images are file names, arrays of NumPy [H,W,3], tensors of PyTorch [H,W,3] or [3,H,W], all uint8, or images of Pillow.

`map` captions whole scenes, `convert` and `train` are those of ccexpert-data and ccexpert-train, and `score`, `compare`
and `CaptionScore` those of ccexpert_metrics, if it is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List

from ._errors import Error
from ._libtorch import load_libtorch

load_libtorch()

from ._captioner import Caption, Captioner, Change, Word  # noqa: E402
from ._conversion import Conversion, Source, convert, sources  # noqa: E402
from ._map import map, read_layer  # noqa: E402
from ._metrics import NAMES as _METRICS, metric as _metric  # noqa: E402
from ._training import Callback, Stage, train  # noqa: E402

if TYPE_CHECKING:
    from ccexpert_metrics import CaptionScore, Difference, Scores, compare, install_meteor, score

__all__ = ["Callback", "Caption", "CaptionScore", "Captioner", "Change", "Conversion", "Difference", "Error", "Scores",
           "Source", "Stage", "Word", "compare", "convert", "install_meteor", "map", "read_layer", "score", "sources",
           "train"]


def __getattr__(name: str) -> Any:
    if name in _METRICS:
        return _metric(name)
    raise AttributeError(f"module 'ccexpert' has no attribute {name!r}")


def __dir__() -> List[str]:
    return sorted([*globals(), *_METRICS])
