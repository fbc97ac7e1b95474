"""Classes with the calls of pycocoevalcap, and the same numbers, without Java.

    from ccexpert_metrics.coco import Bleu, Cider, Meteor, PTBTokenizer, Rouge
    tokenizer = PTBTokenizer()
    gts, res = tokenizer.tokenize(gts), tokenizer.tokenize(res)   # {id: [{"caption": text}, ...]} to {id: [text, ...]}
    value, values = Cider().compute_score(gts, res)

Spice is not here: it needs a parser in Java.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple, Union

from . import _native
from ._error import Error
from ._meteor import PathLike, meteor_data

Texts = Dict[Any, List[str]]


class PTBTokenizer:
    """Penn Treebank tokens in lower case without punctuation."""

    def tokenize(self, captions_for_image: Dict[Any, List[Dict[str, str]]]) -> Texts:
        """Returns the tokens of each caption, separated by blanks, by image."""
        return {image: [_native.tokenize(each["caption"], "ptb") for each in captions]
                for image, captions in captions_for_image.items()}


def _values(metric: str, gts: Texts, res: Texts,
            meteor: Optional[_native.MeteorData] = None) -> Tuple[List[float], List[List[float]]]:
    if gts.keys() != res.keys():
        raise Error("compute_score: expected the same ids in gts and res, got different ones")
    for image, texts in res.items():
        if len(texts) != 1:
            raise Error(f"compute_score: expected one caption of {image}, got {len(texts)}")
    order = list(gts)
    return _native.metric_values(metric, [res[image][0] for image in order], [list(gts[image]) for image in order],
                                 meteor)


class Bleu:
    """BLEU-1 to BLEU-n; `compute_score` returns n values and n lists of values of each pair."""

    def __init__(self, n: int = 4) -> None:
        if not 1 <= n <= 4:
            raise Error(f"Bleu: expected n from 1 to 4, got {n}")
        self._n = n

    def compute_score(self, gts: Texts, res: Texts, verbose: int = 1) -> Tuple[List[float], List[List[float]]]:
        """Returns the values of all captions together, and those of each."""
        corpus, pairs = _values("bleu", gts, res)
        return corpus[:self._n], [list(column) for column in zip(*pairs)][:self._n]

    def method(self) -> str:
        return "Bleu"


class _Single:
    _metric = ""

    def compute_score(self, gts: Texts, res: Texts, verbose: int = 1) -> Tuple[float, List[float]]:
        """Returns the value of all captions together, and that of each."""
        corpus, pairs = _values(self._metric, gts, res, self._meteor())
        return corpus[0], [row[0] for row in pairs]

    def method(self) -> str:
        return type(self).__name__.upper() if self._metric == "meteor" else type(self).__name__

    def _meteor(self) -> Optional[_native.MeteorData]:
        return None


class Rouge(_Single):
    """ROUGE-L."""

    _metric = "rouge"


class Cider(_Single):
    """CIDEr-D, as pycocoevalcap's class of this name."""

    _metric = "cider"

    def __init__(self, test: None = None, refs: None = None, n: int = 4, sigma: float = 6.0) -> None:
        if (n, sigma) != (4, 6.0):
            raise Error(f"Cider: expected n 4 and sigma 6.0, got {n} and {sigma}")

    def method(self) -> str:
        return "CIDEr"


class Meteor(_Single):
    """METEOR 1.5; `meteor` as in `ccexpert_metrics.score`."""

    _metric = "meteor"

    def __init__(self, meteor: Union[bool, PathLike] = True) -> None:
        self._tables = meteor_data(meteor)

    def _meteor(self) -> Optional[_native.MeteorData]:
        return self._tables


class COCOEvalCap:
    """Evaluation of `cocoRes` against `coco`, two objects with `imgToAnns` and `getImgIds` as pycocotools'."""

    def __init__(self, coco: Any, cocoRes: Any) -> None:
        self.coco, self.cocoRes = coco, cocoRes
        self.params = {"image_id": coco.getImgIds()}
        self.evalImgs: List[Dict[str, Any]] = []
        self.eval: Dict[str, float] = {}
        self.imgToEval: Dict[Any, Dict[str, Any]] = {}

    def evaluate(self) -> None:
        """Fills `eval`, the values of all images, and `imgToEval`, those of each."""
        images = self.params["image_id"]
        tokenizer = PTBTokenizer()
        gts = tokenizer.tokenize({image: self.coco.imgToAnns[image] for image in images})
        res = tokenizer.tokenize({image: self.cocoRes.imgToAnns[image] for image in images})
        corpus, of_images = Bleu(4).compute_score(gts, res)
        found = {f"Bleu_{n}": values for n, values in enumerate(zip(corpus, of_images), 1)}
        scorers: List[Tuple[_Single, str]] = [(Meteor(), "METEOR"), (Rouge(), "ROUGE_L"), (Cider(), "CIDEr")]
        found.update((name, scorer.compute_score(gts, res)) for scorer, name in scorers)
        for name, (whole, each) in found.items():
            self.eval[name] = whole
            for image, one in zip(gts, each):
                self.imgToEval.setdefault(image, {"image_id": image})[name] = one
        self.evalImgs = list(self.imgToEval.values())
