#!/usr/bin/env python3
"""Compares consensus weights, self-critical training, minimum-Bayes-risk decoding and averages with plain training
and greedy decoding, on drawn data with several seeds. Writes a table and the scores of each run.

    scripts/bench_rewards.py --out build/rewards

starts from the demo model (models/demo), trains it on pairs that ccexpert-data draws, with every seed and method from
the same start, and captions the same unseen pairs. Finished parts are not repeated.
"""
import argparse
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
COLUMNS = ["BLEU-4", "METEOR", "ROUGE-L", "CIDEr-D", "S*m", "change accuracy"]
# Student's t for 95 % and n - 1 degrees of freedom.
T95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}
CONFIG = """device: cpu
threads: 1
name: {method}
output: {output}
seed: {seed}
model: {{start: {start}, dtype: float32, recompute: false}}
data: {{train: {data}/train.json, captions: random_choice, labels: caption_only, workers: 0, cache_gb: 1}}
batch: {{global: {batch}, micro: 8, max_steps: {steps}}}
optimizer: {{learning_rate: {rate}, warmup_ratio: 0.1, schedule: cosine}}
checkpoint: {{every_steps: 0, keep_last: 1}}
"""
METHODS = {
    "plain": "",
    "consensus": "loss: {consensus: 1.0}\n",
    "reward": "objective: self_critical\nself_critical: {samples: 5, metric: cider, max_new_tokens: 32}\n",
}
DECODINGS = {"greedy": [], "beams 3": ["--beams", "3"], "MBR 16 cider": ["--mbr", "16"],
             "MBR 16 sm": ["--mbr", "16", "--mbr-metric", "sm"]}


def run(arguments, cwd=ROOT):
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    done = subprocess.run([str(each) for each in arguments], cwd=cwd, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, arguments))}\n{done.stderr}")
    return done.stdout


class Bench:
    def __init__(self, options):
        self.options = options
        self.out = options.out.resolve()
        self.out.mkdir(parents=True, exist_ok=True)

    def tool(self, name):
        return self.options.tools.resolve() / f"ccexpert-{name}"

    def draw(self):
        data = self.out / "data"
        if not (data / "test.json").exists():
            run([self.tool("data"), "synth", "--out", data, "--pairs", self.options.pairs, "--seed", 11, "--format",
                 "jpg", "--train-share", 0.8, "--val-share", 0, "--test-share", 0.2])
        return data

    def train(self, method, seed):
        output = self.out / f"{method}-{seed}"
        if not (output / "best").exists():
            config = self.out / f"{method}-{seed}.yaml"
            config.write_text(CONFIG.format(method=method, output=output, seed=seed, start=self.options.start.resolve(),
                                            data=self.out / "data", batch=self.options.batch, steps=self.options.steps,
                                            rate=self.options.rate) + METHODS[method])
            run([self.tool("train"), "-q", "--config", config])
        return output / "best"

    def average(self, folders, name):
        output = self.out / name
        if not output.exists():
            run([self.tool("train"), "--average", *folders, "-o", output])
        return output

    def score(self, model, name, decoding, seed):
        scores = self.out / f"{name} {decoding} {seed}.json"
        if not scores.exists():
            captions = self.out / f"{name} {decoding} {seed}.jsonl"
            run([self.tool("caption"), "-q", "--model", model, "--pairs", self.out / "data/test.json", "--format",
                 "jsonl", "--output", captions, "--overwrite", "--threads", 1, "--max-new-tokens", 32, "--seed", seed,
                 *DECODINGS[decoding]])
            run([self.tool("eval"), captions, "--references", self.out / "data/test.json", "--split", "all",
                 "--no-bootstrap", "-q", "--format", "json", "-o", scores])
        return values_of(json.loads(scores.read_text()))


def values_of(table):
    """Returns the scores of all pairs, times 100."""
    scores = table["subsets"]["all"]["scores"]
    return {name: 100 * scores[name]["value"] for name in COLUMNS}


def cell(values):
    mean = statistics.fmean(values)
    if len(values) < 2:
        return f"{mean:.1f}"
    half = T95[len(values)] * statistics.stdev(values) / math.sqrt(len(values))
    return f"{mean:.1f} ± {half:.1f}"


def differences(rows, one, other):
    """Returns the scores of one row minus those of another, seed by seed."""
    return [{name: a[name] - b[name] for name in COLUMNS} for a, b in zip(rows[one], rows[other])]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build/rewards")
    parser.add_argument("--tools", type=pathlib.Path, default=ROOT / "build/release/tools")
    parser.add_argument("--start", type=pathlib.Path, default=ROOT / "models/demo")
    parser.add_argument("--pairs", type=int, default=1500)
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", default="1.0e-4")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    options = parser.parse_args()
    bench = Bench(options)
    bench.draw()
    rows = {}

    def add(row, values):
        rows.setdefault(row, []).append(values)

    start = options.start.resolve()
    for decoding in ("greedy", "beams 3"):
        add(f"start, {decoding}", bench.score(start, "start", decoding, 0))
    for seed in options.seeds:
        for decoding in ("MBR 16 cider", "MBR 16 sm"):
            add(f"start, {decoding}", bench.score(start, "start", decoding, seed))
        for method in METHODS:
            add(f"{method}, greedy", bench.score(bench.train(method, seed), method, "greedy", seed))
    for method in METHODS:
        folders = [bench.train(method, seed) for seed in options.seeds]
        name = f"{method}-mean-{len(folders)}"
        add(f"{method}, mean of the seeds' weights", bench.score(bench.average(folders, name), name, "greedy", 0))
    for method in ("consensus", "reward"):
        rows[f"{method} minus plain, same seed"] = differences(rows, f"{method}, greedy", "plain, greedy")
    print("| model, decoding | seeds | " + " | ".join(COLUMNS) + " |")
    print("|---|---:|" + "---:|" * len(COLUMNS))
    for row, scores in rows.items():
        print(f"| {row} | {len(scores)} | " + " | ".join(cell([each[name] for each in scores]) for name in COLUMNS) + " |")


if __name__ == "__main__":
    main()
