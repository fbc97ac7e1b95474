"""The captioner, for one pair or many."""

from __future__ import annotations

import os
import queue
import threading
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, NoReturn, Optional, Tuple, Union

import numpy
import numpy.typing

from . import _native
from ._errors import Error
from ._images import ImageLike, Pixels, Size, pixels_of, size_of

DEMO_MODEL = Path(__file__).parent / "models" / "demo"

FloatMap = numpy.typing.NDArray[numpy.float32]
Point = Tuple[float, float]
Pair = Tuple[ImageLike, ImageLike]


class _Mapped:
    """Value with a map over the patches of an image."""

    map: FloatMap
    covered: float
    padded: bool

    def heatmap(self, size: Size) -> FloatMap:
        """Returns the map at the pixels of an image: float32 [H,W] in [0, 1], bilinear between patches.

        size: height and width in pixels, or the image.
        """
        return _native.heatmap(self.map, self.covered, self.padded, *size_of(size))

    def overlay(self, image: ImageLike) -> Pixels:
        """Returns the image under the map's colours, from none at 0 to yellow at 1: uint8 [H,W,3]."""
        return _native.overlay(pixels_of(image), self.map, self.covered, self.padded)

    def polygons(self, size: Size, *, threshold: float = 0.5, tolerance: float = 1.0,
                 smallest: float = 0.0) -> List[List[List[Point]]]:
        """Returns the areas where the map is at least `threshold`, as polygons in pixels.

        Each polygon is a list of rings, the outline first and then its holes; a ring is a list of points (x, y), x to
        the right and y downwards from the top left corner. tolerance: of the simplified lines, in pixels. smallest: area
        in square pixels below which a polygon is left out. size: as in `heatmap`.
        """
        return _native.polygons(self.map, self.covered, self.padded, size_of(size), threshold, tolerance, smallest)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(numpy.array_equal(getattr(self, each.name), getattr(other, each.name))
                   for each in fields(self))  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Change(_Mapped):
    """Place and strength of a change.

    score: probability of a change if the model is calibrated, else a strength in [0, 1].
    raw: what the score is computed from.
    map: float32 [G,G] in [0, 1], row by row over the image; larger where more changed.
    covered: share of the image's width and height under the map, from the top left corner.
    padded: True if the map covers a square on the image's centre, as large as its longer side.
    """

    score: float
    raw: float
    map: FloatMap = field(repr=False)
    covered: float = field(default=1.0, repr=False)
    padded: bool = field(default=False, repr=False)


@dataclass(frozen=True, eq=False)
class Word(_Mapped):
    """Word of a caption and its place; also a pair of both, as in `for word, map in caption.words`.

    map: attention to the image patches for the word, float32 [G,G], at most 1. covered, padded: as in `Change`.
    """

    word: str
    map: FloatMap = field(repr=False)
    covered: float = field(default=1.0, repr=False)
    padded: bool = field(default=False, repr=False)

    def __iter__(self) -> Iterator[Any]:
        return iter((self.word, self.map))


@dataclass(frozen=True)
class Caption:
    """Caption of a pair; `str()` is its text.

    logprob: sum of the natural log-probabilities of `token_ids`. finish: "end", "length" or "cancelled".
    change, words, unsure: with `locate`, `words` and `check_swap`, else None or empty.
    """

    text: str
    token_ids: List[int] = field(repr=False)
    logprob: float
    finish: str
    change: Optional[Change] = None
    words: List[Word] = field(default_factory=list, repr=False)
    unsure: Optional[bool] = None

    def __str__(self) -> str:
        return self.text


def _caption_of(made: Dict[str, Any]) -> Caption:
    change = Change(**made["change"]) if "change" in made else None
    return Caption(made["text"], made["token_ids"], made["logprob"], made["finish"], change,
                   [Word(**each) for each in made["words"]], made.get("unsure"))


def _pixels(pairs: Iterable[Pair]) -> Tuple[List[Pixels], List[Pixels]]:
    pairs = [tuple(pair) for pair in pairs]  # type: ignore[misc]
    for pair in pairs:
        if len(pair) != 2:
            raise Error(f"pair: expected two images, got {len(pair)}")
    return [pixels_of(before) for before, _ in pairs], [pixels_of(after) for _, after in pairs]


def _batches(pairs: Iterable[Pair], size: int) -> Iterator[List[Pair]]:
    if size < 1:
        raise Error(f"batch_size: expected at least 1, got {size}")
    pairs = list(pairs)
    for first in range(0, len(pairs), size):
        yield pairs[first:first + size]


class Captioner:
    """Loaded model, made by `load`. Several threads may use it. Errors are raised as ccexpert.Error."""

    def __init__(self, native: _native.Captioner) -> None:
        self._native = native

    @classmethod
    def load(cls, folder: Union[str, "os.PathLike[str]", None] = None, *, device: str = "auto", dtype: str = "standard",
             threads: int = 0, adapter: Union[str, "os.PathLike[str]", None] = None,
             feature_cache: int = 256 << 20) -> "Captioner":
        """Loads a checkpoint folder; None: the demo model.

        device: "cpu", "cuda", "cuda:N" or "auto". dtype: "standard" (float32 on a CPU, bfloat16 on a GPU), "auto",
        "float32", "bfloat16", "float16" or "int8". threads: of one operator on a CPU, 0: all cores. adapter: folder of
        a LoRA adapter. feature_cache: bytes for features of images that are seen again.
        """
        return cls(_native.load(os.fspath(DEMO_MODEL if folder is None else folder), device, dtype, threads,
                                os.fspath(adapter or ""), feature_cache))

    def caption(self, before: ImageLike, after: ImageLike, *, prompt: str = "", locate: bool = False,
                words: bool = False, check_swap: bool = False, keep_tokens: float = 1.0, **options: Any) -> Caption:
        """Returns the Caption of one pair.

        prompt: the question; by default the model's. locate: also where the change is. words: also the place of each
        word. check_swap: also if the swapped pair contradicts. keep_tokens: share of the image tokens that the decoder
        sees, above 0 and at most 1. options: those of decoding, as ccexpert-caption names them: max_new_tokens, beams,
        temperature, seed, ...
        """
        (made,) = self.captions([(before, after)], prompt=prompt, locate=locate, words=words, check_swap=check_swap,
                                keep_tokens=keep_tokens, **options)
        return made

    def captions(self, pairs: Iterable[Pair], *, batch_size: int = 8, prompt: str = "", locate: bool = False,
                 words: bool = False, check_swap: bool = False, keep_tokens: float = 1.0,
                 **options: Any) -> List[Caption]:
        """Returns the Captions of an iterable of pairs, computed in batches. Arguments as in `caption`."""
        made: List[Dict[str, Any]] = []
        for batch in _batches(pairs, batch_size):
            made += self._native.caption(*_pixels(batch), options, prompt, locate, words, check_swap, keep_tokens, None)
        return [_caption_of(each) for each in made]

    def stream(self, before: ImageLike, after: ImageLike, *, prompt: str = "", keep_tokens: float = 1.0,
               **options: Any) -> Iterator[str]:
        """Yields the text of a caption piece by piece. Leaving the loop ends the caption. Not with beam search."""
        pixels = [pixels_of(before)], [pixels_of(after)]
        pieces: "queue.SimpleQueue[Union[str, BaseException, None]]" = queue.SimpleQueue()
        left = threading.Event()

        def on_token(pair: int, token_id: int, logprob: float, text: str) -> bool:
            pieces.put(text)
            return not left.is_set()

        def work() -> None:
            try:
                self._native.caption(*pixels, options, prompt, False, False, False, keep_tokens, on_token)
                pieces.put(None)
            except BaseException as error:  # raised again in the caller's thread
                pieces.put(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            while (piece := pieces.get()) is not None:
                if isinstance(piece, BaseException):
                    raise piece
                if piece:
                    yield piece
        finally:
            left.set()
            thread.join()

    def locate(self, pairs: Iterable[Pair], *, batch_size: int = 8) -> List[Change]:
        """Returns the Change of each pair of an iterable, without captions."""
        made: List[Dict[str, Any]] = []
        for batch in _batches(pairs, batch_size):
            made += self._native.locate(*_pixels(batch))
        return [Change(**each) for each in made]

    @property
    def question(self) -> str:
        """Default question of the model."""
        return self._native.question

    @property
    def has_diff_expert(self) -> bool:
        """False for a base model without the module that compares the images."""
        return self._native.has_diff_expert

    @property
    def calibrated(self) -> bool:
        """True if the scores of changes are probabilities."""
        return self._native.calibrated

    @property
    def change_threshold(self) -> float:
        """Smallest value of a changed place in a map."""
        return self._native.change_threshold

    @property
    def engine(self) -> str:
        """Engine of the products and its instruction set."""
        return self._native.engine

    def timings(self) -> Dict[str, float]:
        """Returns seconds since loading by stage, and counts."""
        return self._native.timings()

    def __repr__(self) -> str:
        return f"<ccexpert.Captioner {self._native.description}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("Captioner: expected to be loaded in each process by Captioner.load, got pickled")
