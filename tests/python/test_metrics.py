"""ccexpert_metrics: equal to the goldens of pycocoevalcap, and to pycocoevalcap itself where it is installed."""

import gc
import json
import math
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import ccexpert_metrics as metrics
from ccexpert_metrics import coco

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "metrics"


@pytest.fixture(scope="session")
def has_meteor():
    folder = Path(metrics._meteor._native.meteor_folder())
    if not (folder / "paraphrase-en.gz").is_file():
        pytest.skip("METEOR's tables are not installed")


@pytest.fixture(scope="session")
def expected():
    return json.loads((GOLDEN / "expected.json").read_text())


def lists():
    entries = [json.loads(line) for line in (GOLDEN / "predictions.jsonl").read_text().splitlines()]
    return ({each["uid"]: each["pred"] for each in entries}, {each["uid"]: each["change_caption"] for each in entries},
            {each["uid"]: bool(each["change_flag"]) for each in entries})


def test_scores_are_those_of_the_reference(expected, has_meteor):
    predictions, references, changed = lists()
    scores = metrics.score(predictions, references, changed=changed, resamples=0)
    corpus = expected["corpus"]
    assert scores["ROUGE-L"] == pytest.approx(corpus["ROUGE_L"], abs=1e-9)
    assert scores["CIDEr-D"] == pytest.approx(corpus["CIDEr_D"], abs=1e-9)
    assert scores["METEOR"] == pytest.approx(corpus["METEOR"], abs=1e-9)
    assert scores["S*m"] == pytest.approx(corpus["Sm"], abs=1e-9)
    assert [scores[f"BLEU-{n}"] for n in range(1, 5)] == pytest.approx(corpus["BLEU"], abs=1e-9)
    assert scores.uids == list(references)
    for uid, value in zip(scores.uids, scores.pairs["METEOR"]):
        (one,) = [each for each in expected["per_pair"] if each["uid"] == uid]
        assert value == pytest.approx(one["METEOR"], abs=1e-9)


def test_mappings_lists_and_files_give_the_same():
    predictions, references, changed = lists()
    by_uid = metrics.score(predictions, references, changed=changed, meteor=False)
    in_order = metrics.score(list(predictions.values()), list(references.values()), changed=list(changed.values()),
                             meteor=False)
    of_file = metrics.score(GOLDEN / "predictions.jsonl", meteor=False)
    assert dict(by_uid) == dict(in_order) == dict(of_file)
    assert by_uid.intervals == of_file.intervals
    low, high = by_uid.intervals["BLEU-4"]
    assert low < by_uid["BLEU-4"] < high


def test_coco_classes_have_the_reference_values(expected, has_meteor):
    tokens = {each["uid"]: None for each in expected["per_pair"]}
    predictions, references, _ = lists()
    clean = lambda text: " ".join(text.lower().replace(".", "").split())
    gts = {uid: [clean(text) for text in references[uid]] for uid in tokens}
    res = {uid: [clean(predictions[uid])] for uid in tokens}
    value, values = coco.Meteor().compute_score(gts, res)
    assert value == pytest.approx(expected["corpus"]["METEOR"], abs=1e-9)
    assert values == pytest.approx([each["METEOR"] for each in expected["per_pair"]], abs=1e-9)
    four, of_pairs = coco.Bleu(4).compute_score(gts, res)
    assert len(four) == 4 and [len(each) for each in of_pairs] == [len(gts)] * 4
    assert [coco.Bleu().method(), coco.Rouge().method(), coco.Cider().method(), coco.Meteor().method()] == [
        "Bleu", "Rouge", "CIDEr", "METEOR"]


def test_pycocoevalcap_gives_the_same(has_meteor):
    pytest.importorskip("pycocoevalcap")
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    predictions, references, _ = lists()
    tokenizer = coco.PTBTokenizer()
    gts = tokenizer.tokenize({uid: [{"caption": text} for text in texts] for uid, texts in references.items()})
    res = tokenizer.tokenize({uid: [{"caption": text}] for uid, text in predictions.items()})
    for theirs, ours in ((Cider(), coco.Cider()), (Rouge(), coco.Rouge())):
        value, values = theirs.compute_score(gts, res)
        mine, of_pairs = ours.compute_score(gts, res)
        assert mine == pytest.approx(value, abs=1e-9) and of_pairs == pytest.approx(list(values), abs=1e-9)
    assert coco.Bleu(2).compute_score(gts, res)[0] == pytest.approx(Bleu(2).compute_score(gts, res, verbose=0)[0])


def test_compare_is_the_difference_of_scores():
    predictions, references, _ = lists()
    better = {uid: texts[0] for uid, texts in references.items()}
    found = metrics.compare(predictions, better, references, meteor=False, resamples=200)
    one, other = (metrics.score(each, references, meteor=False, resamples=0) for each in (predictions, better))
    assert found["CIDEr-D"].value == pytest.approx(other["CIDEr-D"] - one["CIDEr-D"])
    assert found["CIDEr-D"].low > 0 and found["CIDEr-D"].p < 0.05


def test_the_loop_metric_scores_all_updates_together():
    predictions, references, changed = (list(each.values()) for each in lists())
    whole = metrics.CaptionScore(meteor=False)
    first, second = metrics.CaptionScore(meteor=False), metrics.CaptionScore(meteor=False)
    whole.update(predictions, references, changed)
    alone = first(predictions[:40], references[:40], changed[:40])
    second.update(predictions[40:], references[40:], changed[40:])
    first.merge(pickle.loads(pickle.dumps(second)))
    assert first.compute() == whole.compute() and alone != whole.compute()
    first.reset()
    assert len(first) == 0


def test_threads_share_a_scorer_and_get_the_same():
    predictions, references, _ = lists()
    results = []
    threads = [threading.Thread(target=lambda: results.append(metrics.score(predictions, references, meteor=False)))
               for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and all(dict(each)["BLEU-4"] == results[0]["BLEU-4"] for each in results)


@pytest.mark.parametrize("call, kind, text", [
    (lambda: metrics.score({"a": "x"}, {"b": ["x"]}), "missing",
     "predictions and references: expected the same uids, got no prediction of b"),
    (lambda: metrics.score("/none.json"), "missing", "/none.json: cannot be opened (No such file or directory)"),
    (lambda: metrics.score(["x"], []), "input", "references: expected one list for each of 1 predictions, got 0"),
    (lambda: metrics.score(["x"], [[]]), "input", "references of 0: expected a list of texts, got []"),
    (lambda: metrics.score({}, {}), "input", "predictions: expected at least one pair, got none"),
    (lambda: metrics.score(GOLDEN / "predictions.jsonl", changed=[True]), "input",
     "changed: expected none, since files have their own flags, got some"),
    (lambda: metrics.score(["x"], [["x"]], changed={0: False}), "input",
     "changed: expected flags in order, as the predictions are a list, got a mapping"),
    (lambda: metrics.score({"a": "x"}, {"a": ["x"]}, changed=[True]), "input",
     "changed: expected flags by uid, as the predictions are a mapping, got others"),
    (lambda: metrics.score(["x"], [["x"]], meteor=False, tokenizer="none"), "input",
     "tokenizer: expected reference or ptb, got none"),
    (lambda: coco.Bleu(5), "input", "Bleu: expected n from 1 to 4, got 5"),
])
def test_errors_are_one_sentence_with_a_kind(call, kind, text):
    with pytest.raises(metrics.Error) as caught:
        call()
    assert (caught.value.kind, str(caught.value)) == (kind, text)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.kind, str(again)) == (kind, text)


def test_the_command_prints_what_score_returns(tmp_path):
    command = [sys.executable, "-m", "ccexpert_metrics", GOLDEN / "predictions.jsonl", "--no-meteor", "--resamples", "0"]
    made = subprocess.run([*command, "--format", "json"], capture_output=True, text=True)
    printed, scores = json.loads(made.stdout), metrics.score(GOLDEN / "predictions.jsonl", meteor=False, resamples=0)
    assert {name: value for name, value in printed.items() if not math.isnan(value)} == {
        name: value for name, value in scores.items() if not math.isnan(value)}
    failed = subprocess.run([*command[:3], tmp_path / "none.json"], capture_output=True, text=True)
    assert failed.returncode == 1 and failed.stderr == (
        f"ccexpert-score: {tmp_path}/none.json: cannot be opened (No such file or directory)\n")


# Of the modules named, those that an import loads. A machine's own start-up files may have loaded some before it.
def loaded_by_import(names):
    code = ("import sys; before = set(sys.modules); import ccexpert_metrics; "
            f"print(sorted({set(names)!r} & set(sys.modules) - before))")
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout


def test_import_needs_neither_torch_nor_numpy():
    assert loaded_by_import(["torch", "numpy"]) == "[]\n"


# A third of the time of an import, on machines of every speed.
def test_import_loads_no_large_module():
    assert loaded_by_import(["inspect", "subprocess", "zipfile"]) == "[]\n"


def test_import_takes_little_time():
    code = ("import time; start = time.process_time(); import ccexpert_metrics; "
            "print(1e3 * (time.process_time() - start))")
    # Processor time, and the least of several: others may work on the machine.
    times = [float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout) for _ in range(5)]
    assert min(times) <= float(os.environ.get("CCEXPERT_MAX_IMPORT_MS", 100))


def test_calls_keep_no_references():
    predictions, references, _ = lists()

    def call():
        metrics.score(predictions, references, meteor=False, resamples=10)
        coco.Cider().compute_score({"a": ["x"]}, {"a": ["x"]})
        with pytest.raises(metrics.Error):
            metrics.score(["x"], [[]])

    call()
    gc.collect()
    text = next(iter(predictions.values()))
    before = [sys.getrefcount(each) for each in (metrics.Error, predictions, references, text)], len(gc.get_objects())
    for _ in range(10):
        call()
    gc.collect()
    after = [sys.getrefcount(each) for each in (metrics.Error, predictions, references, text)], len(gc.get_objects())
    assert after[0] == before[0] and after[1] - before[1] < 20


def test_scores_are_pickled_and_a_cycle_is_collected():
    scores = metrics.score(["a road"], [["a road", "two roads"]], meteor=False)
    again = pickle.loads(pickle.dumps(scores))
    assert dict(again) == pytest.approx(dict(scores), nan_ok=True) and again.intervals.keys() == scores.intervals.keys()
    code = """
import gc, weakref, ccexpert_metrics
metric = ccexpert_metrics.CaptionScore(meteor=False)
metric.me = metric
gone = weakref.ref(metric)
del metric
gc.collect()
print(gone())
kept = ccexpert_metrics._score._Scorer("reference", False, None)
kept.me = kept
"""
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (made.returncode, made.stdout, made.stderr) == (0, "None\n", "")


def test_the_evaluation_of_coco_has_the_calls_of_the_reference(has_meteor):
    predictions, references, _ = lists()

    class Coco:
        def __init__(self, captions):
            self.imgToAnns = captions

        def getImgIds(self):
            return list(self.imgToAnns)

    evaluation = coco.COCOEvalCap(Coco({uid: [{"caption": text} for text in texts] for uid, texts in references.items()}),
                                  Coco({uid: [{"caption": text}] for uid, text in predictions.items()}))
    evaluation.params["image_id"] = list(references)[:20]
    evaluation.evaluate()
    assert list(evaluation.eval) == ["Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4", "METEOR", "ROUGE_L", "CIDEr"]
    assert len(evaluation.evalImgs) == 20 and evaluation.evalImgs[3]["image_id"] == list(references)[3]
    assert evaluation.imgToEval[list(references)[0]]["METEOR"] == evaluation.evalImgs[0]["METEOR"]
    with pytest.raises(metrics.Error, match="Cider: expected n 4 and sigma 6.0, got 2"):
        coco.Cider(n=2)
