#!/usr/bin/env python3
"""Times ccexpert-eval and the Python scorers with the Java METEOR on the same captions in the same run.

    scripts/bench_metrics.py PREDICTIONS [--repeat 3] [--output runs.json]
    scripts/bench_metrics.py --pairs 1929                 # synthetic captions in the style of LEVIR-CC

Both sides read the same JSON Lines and compute BLEU-1..4, METEOR, ROUGE-L and CIDEr-D. They alternate, each run in a
separate process: ours, theirs, ours, ...; the table shows the medians. The other side is pycocoevalcap's Bleu, Rouge and
Cider, and its METEOR jar, on lower-case texts without full stops. The exit code is 1 if a metric differs by more than
1e-6 (METEOR: 1e-4). Wall time covers the whole process; our index of METEOR's tables is built before, and timed separately.

The Python that runs this script needs pycocoevalcap 1.2 and numpy; java must be on the PATH.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
UNCHANGED = ("the scene is the same as before .", "there is no difference .", "the two scenes seem identical .",
             "no change has occurred .", "almost nothing has changed .")
SUBJECTS = ("a road", "many houses", "several villas", "some trees", "a parking lot", "rows of houses", "two roads",
            "a large building", "the residential area", "a swimming pool", "several dwellings", "a playground")
VERBS = ("is built", "are built", "has been constructed", "have been removed", "appear", "appears",
         "have disappeared", "is replaced by a road", "are being developed", "has been demolished")
PLACES = ("on the bareland", "near the road", "along the road", "in the woods", "at the top of the scene",
          "in the upper left corner", "on both sides of the road", "next to the river, beside the trees")
NAMES = ("BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "METEOR", "ROUGE-L", "CIDEr-D")


def made_up(count):
    """Returns pairs with five references each, half of them unchanged."""
    choose = random.Random(11)

    def caption():
        return f"{choose.choice(SUBJECTS)} {choose.choice(VERBS)} {choose.choice(PLACES)} ."

    for number in range(count):
        references = [caption() for _ in range(5)] if number % 2 else choose.sample(UNCHANGED, 5)
        said = choose.choice(references) if choose.random() < 0.3 else caption()
        yield {"uid": f"test_{number:06d}.png", "pred": said, "change_caption": references, "change_flag": number % 2}


def theirs(path):
    """Runs in a separate process; prints the scores as JSON."""
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.meteor.meteor import Meteor
    from pycocoevalcap.rouge.rouge import Rouge

    references, predictions = {}, {}
    for line in Path(path).read_text().splitlines():
        entry = json.loads(line)
        references.setdefault(entry["uid"], [text.lower().replace(".", "") for text in entry["change_caption"]])
        predictions.setdefault(entry["uid"], [entry["pred"].lower().replace(".", "")])
    sys.stdout.flush()
    quiet = os.dup(1)
    os.dup2(2, 1)  # Bleu prints progress
    scores = dict(zip(NAMES[:4], Bleu(4).compute_score(references, predictions)[0]))
    scores["METEOR"] = Meteor().compute_score(references, predictions)[0]
    scores["ROUGE-L"] = float(Rouge().compute_score(references, predictions)[0])
    scores["CIDEr-D"] = float(Cider().compute_score(references, predictions)[0])
    os.dup2(quiet, 1)
    print(json.dumps(scores))


def timed(command, **options):
    """Returns wall seconds and the output."""
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True, **options)
    return time.perf_counter() - start, done.stdout


def our_scores(text):
    scores = json.loads(text)["subsets"]["all"]["scores"]
    return {name: scores[name]["value"] for name in NAMES}


def differing(ours, others):
    return [f"{name}: {ours[name]} and {others[name]}" for name in NAMES
            if abs(ours[name] - others[name]) > (1e-4 if name == "METEOR" else 1e-6)]


def peak_of(command):
    """Returns MB of the largest process, measured by a small parent."""
    code = ("import resource,subprocess,sys\n"
            "subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL,stderr=subprocess.DEVNULL)\n"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss/1024)")
    return float(subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True).stdout)


def bench(path, arguments):
    ours = [arguments.command, path, "--format", "json", "--quiet"]
    others = [sys.executable, __file__, "--theirs", path]
    with tempfile.TemporaryDirectory() as cache:
        data = os.environ.get("CCEXPERT_METEOR_DATA") or str(
            Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "ccexpert" / "meteor-1.5")
        first, _ = timed([*ours, "--meteor-data", data], env={**os.environ, "XDG_CACHE_HOME": cache})
    timed(ours)
    runs = {"ours": [], "equal": [], "theirs": []}
    for _ in range(arguments.repeat):
        seconds, text = timed(ours)
        runs["ours"].append(seconds)
        runs["equal"].append(timed([*ours, "--no-bootstrap"])[0])
        other_seconds, other_text = timed(others)
        runs["theirs"].append(other_seconds)
        wrong = differing(our_scores(text), json.loads(other_text))
        if wrong:
            print("scores differ:", *wrong, sep="\n  ")
            return 1
    own, equal, other = (statistics.median(runs[side]) for side in ("ours", "equal", "theirs"))
    result = {"pairs": sum(1 for _ in open(path)), "ours_s": own, "ours_equal_s": equal, "theirs_s": other, "ratio": other / own,
              "ours_first_s": first, "ours_mb": peak_of(ours), "theirs_mb": peak_of(others), "runs": runs}
    print(f"{'':28}{'ccexpert-eval':>14}{'Python + Java':>14}")
    print(f"{'all metrics, s':28}{equal:14.2f}{other:14.2f}   ({other / equal:.1f} times)")
    print(f"{'and intervals, s':28}{own:14.2f}{'-':>14}   ({other / own:.1f} times)")
    print(f"{'first run, builds index, s':28}{first:14.2f}")
    print(f"{'largest process, MB':28}{result['ours_mb']:14.0f}{result['theirs_mb']:14.0f}")
    if arguments.output:
        Path(arguments.output).write_text(json.dumps(result, indent=1) + "\n")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("predictions", nargs="?", help="JSON Lines with uid, pred, change_caption")
    parser.add_argument("--pairs", type=int, default=1929, help="synthetic pairs if no file is given (%(default)s)")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each side (%(default)s)")
    parser.add_argument("--command", default=str(REPOSITORY / "build/release/tools/ccexpert-eval"))
    parser.add_argument("--output", help="JSON file for every run")
    parser.add_argument("--theirs", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.theirs:
        return theirs(arguments.theirs)
    if arguments.predictions:
        return bench(arguments.predictions, arguments)
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(json.dumps(entry) + "\n" for entry in made_up(arguments.pairs))
        file.flush()
        return bench(file.name, arguments)


if __name__ == "__main__":
    sys.exit(main())
