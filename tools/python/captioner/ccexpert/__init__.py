"""Change captioning of bi-temporal remote sensing images (CCExpert), in C++.

    import ccexpert
    captioner = ccexpert.Captioner.load("CCExpert-0.5B")      # without a folder: the demo model
    print(captioner.caption("before.png", "after.png"))
    for text in captioner.stream("before.png", "after.png"):
        print(text, end="", flush=True)

Images are file names, arrays of NumPy [H,W,3], tensors of PyTorch [H,W,3] or [3,H,W], all uint8, or images of Pillow.
"""

from ._error import Error
from ._captioner import Caption, Captioner, Change, Word

__all__ = ["Caption", "Captioner", "Change", "Error", "Word"]
