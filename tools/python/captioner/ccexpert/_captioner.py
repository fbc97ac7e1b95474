"""The captioner, for one pair or many."""

import os
import queue
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy

from . import _native
from ._error import Error
from ._images import pixels_of


DEMO_MODEL = Path(__file__).parent / "models" / "demo"


@dataclass(frozen=True)
class Change:
    """Place and strength of a change.

    score: probability of a change if the model is calibrated, else a strength in [0, 1].
    raw: what the score is computed from.
    map: float32 [G,G] in [0, 1], row by row over the image; larger where more changed.
    """

    score: float
    raw: float
    map: numpy.ndarray = field(repr=False)


class Word(NamedTuple):
    """Word of a caption, and the attention to image patches for it: float32 [G,G], at most 1."""

    word: str
    map: numpy.ndarray


@dataclass(frozen=True)
class Caption:
    """Caption of a pair; `str()` is its text.

    logprob: sum of the log-probabilities of `token_ids`. finish: "end", "length" or "cancelled".
    change, words, unsure: with `locate`, `words` and `check_swap`, else None or empty.
    """

    text: str
    token_ids: list = field(repr=False)
    logprob: float
    finish: str
    change: Change = None
    words: list = field(default_factory=list, repr=False)
    unsure: bool = None

    def __str__(self):
        return self.text


def _caption_of(made):
    change = Change(**made["change"]) if "change" in made else None
    return Caption(made["text"], made["token_ids"], made["logprob"], made["finish"], change,
                   [Word(*each) for each in made["words"]], made.get("unsure"))


def _pixels(pairs):
    pairs = [tuple(pair) for pair in pairs]
    for pair in pairs:
        if len(pair) != 2:
            raise Error(f"pair: expected two images, got {len(pair)}")
    return [pixels_of(before) for before, _ in pairs], [pixels_of(after) for _, after in pairs]


class Captioner:
    """Loaded model, made by `load`. Several threads may use it. Errors are raised as ccexpert.Error."""

    def __init__(self, native):
        self._native = native

    @classmethod
    def load(cls, folder=None, *, device="auto", dtype="standard", threads=0, adapter=None, feature_cache=256 << 20):
        """Loads a checkpoint folder; None: the demo model.

        device: "cpu", "cuda", "cuda:N" or "auto". dtype: "standard" (float32 on a CPU, bfloat16 on a GPU), "auto",
        "float32", "bfloat16", "float16" or "int8". threads: of one operator on a CPU, 0: all cores. adapter: folder of
        a LoRA adapter. feature_cache: bytes for features of images that are seen again.
        """
        return cls(_native.load(os.fspath(DEMO_MODEL if folder is None else folder), device, dtype, threads, os.fspath(adapter or ""),
                                feature_cache))

    def caption(self, before, after, *, prompt="", locate=False, words=False, check_swap=False, keep_tokens=1.0,
                **options):
        """Returns the Caption of one pair.

        prompt: the question; by default the model's. locate: also where the change is. words: also the place of each
        word. check_swap: also if the swapped pair contradicts. options: those of decoding, as ccexpert-caption names
        them: max_new_tokens, beams, temperature, seed, ...
        """
        (made,) = self.captions([(before, after)], prompt=prompt, locate=locate, words=words, check_swap=check_swap,
                                keep_tokens=keep_tokens, **options)
        return made

    def captions(self, pairs, *, batch_size=8, prompt="", locate=False, words=False, check_swap=False, keep_tokens=1.0,
                 **options):
        """Returns the Captions of an iterable of pairs, computed in batches. Arguments as in `caption`."""
        if batch_size < 1:
            raise Error(f"batch_size: expected at least 1, got {batch_size}")
        pairs, made = list(pairs), []
        for first in range(0, len(pairs), batch_size):
            before, after = _pixels(pairs[first:first + batch_size])
            made += self._native.caption(before, after, options, prompt, locate, words, check_swap, keep_tokens, None)
        return [_caption_of(each) for each in made]

    def stream(self, before, after, *, prompt="", keep_tokens=1.0, **options):
        """Yields the text of a caption piece by piece. Leaving the loop ends the caption."""
        before, after = [pixels_of(before)], [pixels_of(after)]
        pieces, left = queue.SimpleQueue(), threading.Event()

        def on_token(pair, token_id, logprob, text):
            pieces.put(text)
            return not left.is_set()

        def work():
            try:
                self._native.caption(before, after, options, prompt, False, False, False, keep_tokens, on_token)
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

    def locate(self, pairs, *, batch_size=8):
        """Returns the Change of each pair of an iterable, without captions."""
        pairs, made = list(pairs), []
        for first in range(0, len(pairs), batch_size):
            made += self._native.locate(*_pixels(pairs[first:first + batch_size]))
        return [Change(**each) for each in made]

    @property
    def question(self):
        """Default question of the model."""
        return self._native.question

    @property
    def has_diff_expert(self):
        return self._native.has_diff_expert

    @property
    def calibrated(self):
        """True if the scores of changes are probabilities."""
        return self._native.calibrated

    @property
    def change_threshold(self):
        """Smallest value of a changed place in a map."""
        return self._native.change_threshold

    @property
    def engine(self):
        """Engine of the products and its instruction set."""
        return self._native.engine

    def timings(self):
        """Returns a dict of seconds since loading by stage, and of counts."""
        return self._native.timings()

    def __repr__(self):
        return f"<ccexpert.Captioner {self._native.description}>"
