"""Scores of captions, their comparison, and a metric object for training loops."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Union

from . import _native
from ._error import Error
from ._meteor import PathLike, meteor_data

Texts = Union[str, Iterable[str]]
#: Text by uid, texts in order, or a file; of predictions and of references.
Predictions = Union["Mapping[Any, Texts]", Sequence[Texts], PathLike]
References = Union["Mapping[Any, Texts]", Sequence[Texts], PathLike]
#: Change flags by uid or in order.
Flags = Union["Mapping[Any, Optional[bool]]", Iterable[Optional[bool]]]


class Interval(NamedTuple):
    """Limits of a confidence interval."""

    low: float
    high: float


class Difference(NamedTuple):
    """Difference of a metric between two models: second minus first, by the paired bootstrap (Koehn, 2004)."""

    value: float
    low: float
    high: float
    p: float


# Not a dataclass: that module took a quarter of the time of `import ccexpert_metrics`.
class Scores(Mapping[str, float]):
    """Metrics by name. A metric that is not defined for the pairs is NaN."""

    def __init__(self, values_of: Dict[str, float], intervals: Optional[Dict[str, Interval]] = None,
                 uids: Optional[List[Any]] = None, pairs: Optional[Dict[str, List[float]]] = None) -> None:
        self.values_of = values_of
        self.intervals = intervals or {}  #: name to Interval; empty without resamples
        self.uids = uids or []
        self.pairs = pairs or {}  #: name to the values of each pair alone, in the order of `uids`

    def __repr__(self) -> str:
        return f"Scores({self.values_of!r})"

    def __getitem__(self, name: str) -> float:
        return self.values_of[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_of)

    def __len__(self) -> int:
        return len(self.values_of)

    def __str__(self) -> str:
        width = max(map(len, self.values_of), default=0)
        lines = [f"{len(self.uids)} pairs"]
        for name, value in self.values_of.items():
            low_high = self.intervals.get(name)
            interval = f"  {100 * low_high.low:7.2f} to {100 * low_high.high:.2f}" if low_high else ""
            lines.append(f"{name:{width}}  {100 * value:7.2f}{interval}")
        return "\n".join(lines)


def _is_path(value: object) -> bool:
    return isinstance(value, (str, os.PathLike))


def _single(uid: Any, texts: Texts) -> str:
    texts = [texts] if isinstance(texts, str) else list(texts)
    if len(texts) != 1 or not isinstance(texts[0], str):
        raise Error(f"prediction of {uid}: expected one text, got {texts!r:.80}")
    return texts[0]


def _several(uid: Any, texts: Texts) -> List[str]:
    texts = [texts] if isinstance(texts, str) else list(texts)
    if not texts or not all(isinstance(text, str) for text in texts):
        raise Error(f"references of {uid}: expected a list of texts, got {texts!r:.80}")
    return texts


def _flag(value: Any) -> Optional[bool]:
    return None if value is None else bool(value)


class _Pairs(NamedTuple):
    uids: List[Any]
    predictions: List[str]
    references: List[List[str]]
    changed: List[Optional[bool]]


def _of_mappings(predictions: Any, references: Any, changed: Any) -> _Pairs:
    missing = [uid for uid in references if uid not in predictions]
    extra = [uid for uid in predictions if uid not in references]
    if missing or extra:
        lacks, uid = ("prediction", missing[0]) if missing else ("references", extra[0])
        raise Error(f"predictions and references: expected the same uids, got no {lacks} of {uid}", "missing")
    flags = {} if changed is None else changed
    if not isinstance(flags, Mapping):
        raise Error("changed: expected flags by uid, as the predictions are a mapping, got others")
    uids = list(references)
    return _Pairs(uids, [_single(uid, predictions[uid]) for uid in uids],
                  [_several(uid, references[uid]) for uid in uids], [_flag(flags.get(uid)) for uid in uids])


def _of_sequences(predictions: Any, references: Any, changed: Any) -> _Pairs:
    predictions, references = list(predictions), list(references)
    if len(predictions) != len(references):
        raise Error(f"references: expected one list for each of {len(predictions)} predictions, "
                    f"got {len(references)}")
    # The keys of a mapping would be taken for flags.
    if isinstance(changed, Mapping):
        raise Error("changed: expected flags in order, as the predictions are a list, got a mapping")
    numbers = range(len(predictions))
    flags = list(changed) if changed is not None else [None] * len(predictions)
    if len(flags) != len(predictions):
        raise Error(f"changed: expected {len(predictions)} flags, got {len(flags)}")
    return _Pairs(list(numbers), [_single(i, predictions[i]) for i in numbers],
                  [_several(i, references[i]) for i in numbers], [_flag(each) for each in flags])


def _pairs_of(predictions: Any, references: Any, changed: Any, split: str) -> _Pairs:
    if _is_path(predictions):
        if references is not None and not _is_path(references):
            raise Error("references: expected a file, as the predictions are one")
        if changed is not None:
            raise Error("changed: expected none, since files have their own flags, got some")
        return _Pairs(*_native.read_files(os.fspath(predictions), references and os.fspath(references), split))
    if references is None:
        raise Error("references: expected a mapping or a list, got none")
    if isinstance(predictions, Mapping) != isinstance(references, Mapping):
        raise Error("references: expected a mapping or a list as the predictions, got the other")
    make = _of_mappings if isinstance(predictions, Mapping) else _of_sequences
    return make(predictions, references, changed)


class _Scorer:
    def __init__(self, tokenizer: str, meteor: Union[bool, PathLike],
                 unchanged_sentences: Optional[Sequence[str]]) -> None:
        self._native = _native.Scorer(tokenizer, meteor_data(meteor), unchanged_sentences)

    def table(self, pairs: _Pairs) -> _native.ScoreTable:
        if not pairs.uids:
            raise Error("predictions: expected at least one pair, got none")
        return self._native.score(pairs.predictions, pairs.references, pairs.changed)

    def scores(self, pairs: _Pairs, resamples: int, confidence: float, seed: int) -> Scores:
        table = self.table(pairs)
        limits = self._native.intervals(table, resamples, confidence, seed) if resamples else []
        columns = zip(*table.pairs)
        return Scores(dict(zip(table.names, table.corpus)),
                      {name: Interval(*each) for name, each in zip(table.names, limits)}, pairs.uids,
                      {name: list(column) for name, column in zip(table.names, columns)})

    def differences(self, one: _Pairs, other: _Pairs, resamples: int, confidence: float,
                    seed: int) -> Dict[str, Difference]:
        first, second = self.table(one), self.table(other)
        found = self._native.compare(first, second, resamples, confidence, seed)
        return {name: Difference(*each) for name, each in zip(first.names, found)}


def score(predictions: Predictions, references: Optional[References] = None, *, changed: Optional[Flags] = None,
          tokenizer: str = "reference", meteor: Union[bool, PathLike] = True,
          unchanged_sentences: Optional[Sequence[str]] = None, split: str = "test", resamples: int = 1000,
          confidence: float = 0.95, seed: int = 42) -> Scores:
    """Scores captions as one corpus.

    predictions, references: two mappings of uid to text and to list of texts; two lists in the same order; or two files
        of any layout that ccexpert-eval reads (references may be missing if the predictions have them).
    changed: change flags by uid or in order, for the change accuracy.
    tokenizer: "reference" (CCExpert's) or "ptb" (the COCO evaluation's).
    meteor: True for METEOR's tables in their usual folder (see `install_meteor`), a folder, or False for no METEOR and
        no S*m.
    unchanged_sentences: captions that mean "no change"; by default LEVIR-CC's five.
    resamples: bootstrap samples of the intervals; 0 leaves them out.

    Returns Scores. Raises Error with one sentence.
    """
    pairs = _pairs_of(predictions, references, changed, split)
    return _Scorer(tokenizer, meteor, unchanged_sentences).scores(pairs, resamples, confidence, seed)


def compare(one: Predictions, other: Predictions, references: Optional[References] = None, *,
            changed: Optional[Flags] = None, tokenizer: str = "reference", meteor: Union[bool, PathLike] = True,
            unchanged_sentences: Optional[Sequence[str]] = None, split: str = "test", resamples: int = 1000,
            confidence: float = 0.95, seed: int = 42) -> Dict[str, Difference]:
    """Tests the difference between two models on the same pairs; arguments as in `score`.

    Returns a dict of metric name to Difference: `other` minus `one`.
    """
    first = _pairs_of(one, references, changed, split)
    second = _pairs_of(other, references, changed, split)
    if first.uids != second.uids:
        raise Error("compare: expected predictions of the same pairs, got different ones")
    scorer = _Scorer(tokenizer, meteor, unchanged_sentences)
    return scorer.differences(first, second, resamples, confidence, seed)


class CaptionScore:
    """Metric of a loop, with the calls of torchmetrics: update, compute, reset, and `forward` by a call.

        metric = CaptionScore(meteor=False)
        metric.update(["a road is built"], [["a road was built"]])
        metric.compute()["CIDEr-D"]

    Texts are kept and scored together by `compute`. Objects can be pickled, and those of several processes merged.
    """

    def __init__(self, *, tokenizer: str = "reference", meteor: Union[bool, PathLike] = True,
                 unchanged_sentences: Optional[Sequence[str]] = None) -> None:
        self._settings: Dict[str, Any] = {"tokenizer": tokenizer, "meteor": meteor, "unchanged_sentences": unchanged_sentences}
        self.reset()

    def update(self, preds: Texts, target: Sequence[Texts],
               changed: Optional[Iterable[Optional[bool]]] = None) -> None:
        """Adds captions: N texts, N lists of references (or texts), and optionally N change flags."""
        if isinstance(preds, str):
            preds, target = [preds], [target]  # type: ignore[list-item]
        pairs = _of_sequences(preds, target, changed)
        self._predictions += pairs.predictions
        self._references += pairs.references
        self._changed += pairs.changed

    def merge(self, other: CaptionScore) -> None:
        """Adds the captions of another object."""
        self.update(other._predictions, other._references, other._changed)

    def compute(self) -> Dict[str, float]:
        """Returns a dict of metric name to value for all captions together."""
        return dict(score(self._predictions, self._references, changed=self._changed, resamples=0, **self._settings))

    def reset(self) -> None:
        """Removes all captions."""
        self._predictions: List[str] = []
        self._references: List[List[str]] = []
        self._changed: List[Optional[bool]] = []

    def forward(self, preds: Texts, target: Sequence[Texts],
                changed: Optional[Iterable[Optional[bool]]] = None) -> Dict[str, float]:
        """Adds captions and returns the metrics of these alone."""
        self.update(preds, target, changed)
        alone = CaptionScore(**self._settings)
        alone.update(preds, target, changed)
        return alone.compute()

    __call__ = forward

    def __len__(self) -> int:
        return len(self._predictions)
