"""Caption metrics: BLEU-1 to BLEU-4, METEOR, ROUGE-L, CIDEr-D, S*m and change accuracy, without Java and PyTorch.

    import ccexpert_metrics as metrics
    scores = metrics.score({"a": "a road is built"}, {"a": ["a road was built", "there is a new road"]})
    scores["CIDEr-D"], scores.intervals["CIDEr-D"], scores.pairs["ROUGE-L"]

Scores are fractions, as in ccexpert-eval's JSON. `ccexpert_metrics.coco` has the classes of pycocoevalcap.
"""

from ._error import Error
from ._meteor import install_meteor
from ._score import CaptionScore, Difference, Scores, compare, score

__all__ = ["CaptionScore", "Difference", "Error", "Scores", "compare", "install_meteor", "score"]
