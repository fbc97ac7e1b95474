"""Classes with the calls of pycocoevalcap, and the same numbers, without Java.

    from ccexpert_metrics.coco import Bleu, Cider, Meteor, PTBTokenizer, Rouge
    tokenizer = PTBTokenizer()
    gts, res = tokenizer.tokenize(gts), tokenizer.tokenize(res)   # {id: [{"caption": text}, ...]} to {id: [text, ...]}
    value, values = Cider().compute_score(gts, res)

Spice is not here: it needs a parser in Java.
"""

from . import _native
from ._error import Error
from ._meteor import meteor_data


class PTBTokenizer:
    """Penn Treebank tokens in lower case without punctuation."""

    def tokenize(self, captions_for_image):
        return {image: [_native.tokenize(each["caption"], "ptb") for each in captions]
                for image, captions in captions_for_image.items()}


def _values(metric, gts, res, meteor=None):
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

    def __init__(self, n=4):
        if not 1 <= n <= 4:
            raise Error(f"Bleu: expected n from 1 to 4, got {n}")
        self._n = n

    def compute_score(self, gts, res, verbose=1):
        corpus, pairs = _values("bleu", gts, res)
        return corpus[:self._n], [list(column) for column in zip(*pairs)][:self._n]

    def method(self):
        return "Bleu"


class _Single:
    _metric = ""

    def compute_score(self, gts, res, verbose=1):
        corpus, pairs = _values(self._metric, gts, res, self._meteor())
        return corpus[0], [row[0] for row in pairs]

    def method(self):
        return type(self).__name__.upper() if self._metric == "meteor" else type(self).__name__

    def _meteor(self):
        return None


class Rouge(_Single):
    """ROUGE-L."""

    _metric = "rouge"


class Cider(_Single):
    """CIDEr-D, as pycocoevalcap's class of this name."""

    _metric = "cider"

    def method(self):
        return "CIDEr"


class Meteor(_Single):
    """METEOR 1.5; `meteor` as in `ccexpert_metrics.score`."""

    _metric = "meteor"

    def __init__(self, meteor=True):
        self._tables = meteor_data(meteor)

    def _meteor(self):
        return self._tables


class COCOEvalCap:
    """Evaluation of `cocoRes` against `coco`, two objects with `imgToAnns` and `getImgIds` as pycocotools'."""

    def __init__(self, coco, cocoRes):
        self.coco, self.cocoRes = coco, cocoRes
        self.params = {"image_id": coco.getImgIds()}
        self.evalImgs, self.eval, self.imgToEval = [], {}, {}

    def evaluate(self):
        images = self.params["image_id"]
        tokenizer = PTBTokenizer()
        gts = tokenizer.tokenize({image: self.coco.imgToAnns[image] for image in images})
        res = tokenizer.tokenize({image: self.cocoRes.imgToAnns[image] for image in images})
        for scorer, names in ((Bleu(4), ["Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4"]), (Meteor(), "METEOR"),
                              (Rouge(), "ROUGE_L"), (Cider(), "CIDEr")):
            value, values = scorer.compute_score(gts, res)
            several = [(names, value, values)] if isinstance(names, str) else zip(names, value, values)
            for name, whole, each in several:
                self.eval[name] = whole
                for image, one in zip(gts, each):
                    self.imgToEval.setdefault(image, {"image_id": image})[name] = one
        self.evalImgs = list(self.imgToEval.values())
