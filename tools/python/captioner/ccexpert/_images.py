"""Images of Python as arrays of pixels."""

from __future__ import annotations

import os
from typing import Any, Protocol, Tuple, Union

import numpy
import numpy.typing

from . import _native
from ._errors import Error


class PillowImage(Protocol):
    """Image of Pillow."""

    def convert(self, mode: str) -> Any: ...

    def getbands(self) -> Tuple[str, ...]: ...


class Tensor(Protocol):
    """Tensor of PyTorch."""

    def detach(self) -> Any: ...


Pixels = numpy.typing.NDArray[numpy.uint8]
#: A file, pixels [H,W,3] or [3,H,W] of uint8, or an image of Pillow.
ImageLike = Union[str, "os.PathLike[str]", Pixels, PillowImage, Tensor]
#: Height and width in pixels, or an image that has them.
Size = Union[Tuple[int, int], ImageLike]


def pixels_of(image: ImageLike) -> Pixels:
    """Returns uint8 pixels [H,W,3], without a copy where the layout allows it. Raises Error for another image."""
    if isinstance(image, (str, os.PathLike)):
        return _native.decode(os.fspath(image))
    if hasattr(image, "convert") and hasattr(image, "getbands"):
        return numpy.asarray(image.convert("RGB"))
    if hasattr(image, "detach"):
        image = image.detach().cpu().numpy()
    array = numpy.asarray(image)
    if array.dtype != numpy.uint8:
        raise Error(f"image: expected pixels of uint8, got {array.dtype} (scale it to 0 to 255 first)")
    if array.ndim == 3 and array.shape[0] == 3 and array.shape[2] != 3:
        array = array.transpose(1, 2, 0)
    if array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape:
        raise Error(f"image: expected the shape [H,W,3], got {list(array.shape)}")
    # Rows may be apart, as those of a window of a larger image.
    if array.strides[1:] != (3, 1) or array.strides[0] < 3 * array.shape[1]:
        array = numpy.ascontiguousarray(array)
    return array


def size_of(size: Size) -> Tuple[int, int]:
    """Returns height and width in pixels."""
    if isinstance(size, tuple) and len(size) == 2 and all(isinstance(each, int) for each in size):
        return size
    height, width, _ = pixels_of(size).shape  # type: ignore[arg-type]
    return height, width
