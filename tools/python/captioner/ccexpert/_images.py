"""Images of Python as arrays of pixels."""

import os

import numpy

from . import _native
from ._error import Error


def pixels_of(image):
    """Returns uint8 pixels [H,W,3], without a copy where the layout allows it. Raises Error for another image."""
    if isinstance(image, (str, os.PathLike)):
        return _native.decode(os.fspath(image))
    if hasattr(image, "convert") and hasattr(image, "getbands"):  # Pillow
        return numpy.asarray(image.convert("RGB"))
    if hasattr(image, "detach"):  # PyTorch
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
