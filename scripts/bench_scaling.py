#!/usr/bin/env python3
"""Measures time and memory of ccexpert-caption against the number of pairs, the length of the prompt and the batch size.

    scripts/bench_scaling.py --pairs test.json [--model DIR] [--dtype int8] [--threads 1] [--repeat 3] [--caption FILE]

Every setting runs once in a turn, so that other load on the machine meets all alike. The table has medians of the stages'
seconds, of the processor time of the process and of its peak memory. The list needs at least 64 pairs.
"""
import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAIRS = (8, 16, 32, 64)
WORDS = (0, 100, 200, 400)
BATCHES = (1, 2, 4, 8, 16)


def settings(pairs, words, batches):
    """(what varies, number of pairs, words added to the prompt, batch size)"""
    rows = [("pairs", count, 0, 8) for count in pairs]
    rows += [("words of the prompt", 16, count, 8) for count in words]
    return rows + [("batch", 32, 0, count) for count in batches]


def run(arguments, entries, row, work):
    _, pairs, words, batch = row
    listed, timings = work / "pairs.json", work / "timings.json"
    listed.write_text(json.dumps(entries[:pairs]))
    command = [str(arguments.caption), "--quiet", "--pairs", str(listed), "--batch-size", str(batch), "--format", "jsonl",
               "--output", str(work / "out.jsonl"), "--overwrite", "--timings-file", str(timings), "--dtype", arguments.dtype,
               "--threads", str(arguments.threads), "--feature-cache", "0", "--min-new-tokens", "8", "--max-new-tokens", "8"]
    if arguments.model:
        command += ["--model", str(arguments.model)]
    if words:
        command += ["--prompt", "What changed?" + " Look closely." * (words // 2)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    measured = json.loads(timings.read_text())
    return {"cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
            "stages": sum(value for name, value in measured["seconds"].items() if name != "load"),
            "tokens": measured["prompt_tokens"] / pairs, "memory": measured["peak_memory_bytes"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--caption", type=Path, default=ROOT / "build/release/tools/ccexpert-caption")
    arguments = parser.parse_args()
    entries = json.loads(arguments.pairs.read_text())
    if len(entries) < max(PAIRS):
        sys.exit(f"{arguments.pairs}: expected at least {max(PAIRS)} pairs, got {len(entries)}")
    for entry in entries:
        for key in ("img1_path", "img2_path", "before", "after"):
            if key in entry:
                entry[key] = str((arguments.pairs.parent / entry[key]).resolve())
    rows = settings(PAIRS, WORDS, BATCHES)
    results = [[] for _ in rows]
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(arguments.repeat):
            for row, found in zip(rows, results):
                found.append(run(arguments, entries, row, Path(folder)))
    print("| varied | pairs | prompt tokens | batch | processor s | stages s | stages, ms per pair | peak memory, MB |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for (name, pairs, _, batch), found in zip(rows, results):
        median = {key: statistics.median(one[key] for one in found) for key in found[0]}
        print(f"| {name} | {pairs} | {median['tokens']:.0f} | {batch} | {median['cpu']:.2f} | {median['stages']:.2f} | "
              f"{median['stages'] / pairs * 1e3:.1f} | {median['memory'] * 1e-6:.0f} |")


if __name__ == "__main__":
    main()
