#!/usr/bin/env python3
"""Measures time and memory of ccexpert-caption against the number of pairs, the prompt's length and the batch size.

    scripts/bench_scaling.py --pairs test.json [--model DIR] [--dtype int8] [--threads 1] [--repeat 3] [--caption FILE]

Every setting runs once in a turn, so that other load on the machine meets all alike. The table has medians of the
stages' seconds, of the processor time of the process and of its peak memory. The list is JSON or JSON Lines and needs
the largest of --counts pairs; prompts are measured with a quarter of them, batches with half.
"""
import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from peers.work import Failure

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ("img1_path", "img2_path", "before", "after")


def settings(arguments):
    """(what varies, number of pairs, words added to the prompt, batch size)"""
    most = max(arguments.counts)
    rows = [("pairs", count, 0, 8) for count in arguments.counts]
    rows += [("words of the prompt", max(1, most // 4), count, 8) for count in arguments.words]
    return rows + [("batch", max(1, most // 2), 0, count) for count in arguments.batches]


def read_entries(arguments):
    """Returns the entries of the list, with absolute paths of images."""
    text, folder = arguments.pairs.read_text(), arguments.pairs.parent.resolve()
    try:
        lines = arguments.pairs.suffix in (".jsonl", ".ndjson")
        entries = [json.loads(line) for line in text.splitlines() if line.strip()] if lines else json.loads(text)
    except ValueError as error:
        raise Failure(f"{arguments.pairs}: expected JSON, or JSON Lines in a file .jsonl ({error})") from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Failure(f"{arguments.pairs}: expected a list of objects")
    if len(entries) < max(arguments.counts):
        raise Failure(f"{arguments.pairs}: expected at least {max(arguments.counts)} pairs, got {len(entries)}")
    return [entry | {key: str(folder / entry[key]) for key in IMAGES if entry.get(key)} for entry in entries]


def run_captions(command):
    made = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if made.returncode != 0:
        lines = made.stderr.strip().splitlines() or ["no output"]
        raise Failure(f"{Path(command[0]).name}: exit code {made.returncode}: {' '.join(lines[-2:])}")


def run(arguments, entries, row, work):
    _, pairs, words, batch = row
    listed, timings = work / "pairs.json", work / "timings.json"
    listed.write_text(json.dumps(entries[:pairs]))
    command = [str(arguments.caption), "--quiet", "--pairs", str(listed), "--batch-size", str(batch),
               "--format", "jsonl", "--output", str(work / "out.jsonl"), "--overwrite", "--timings-file", str(timings),
               "--dtype", arguments.dtype, "--threads", str(arguments.threads), "--feature-cache", "0",
               "--min-new-tokens", "8", "--max-new-tokens", "8"]
    if arguments.model:
        command += ["--model", str(arguments.model)]
    if words:
        command += ["--prompt", "What changed?" + " Look closely." * (words // 2)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run_captions(command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    measured = json.loads(timings.read_text())
    return {"cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
            "stages": sum(value for name, value in measured["seconds"].items() if name != "load"),
            "tokens": measured["prompt_tokens"] / pairs, "memory": measured["peak_memory_bytes"]}


def numbers(text):
    """Returns the numbers of a list such as 8,16,32."""
    found = [int(number) for number in text.split(",")]
    if min(found) < 0:
        raise ValueError
    return found


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--counts", type=numbers, default=[8, 16, 32, 64], help="numbers of pairs")
    parser.add_argument("--words", type=numbers, default=[0, 100, 200, 400], help="words added to the prompt")
    parser.add_argument("--batches", type=numbers, default=[1, 2, 4, 8, 16], help="batch sizes")
    parser.add_argument("--caption", type=Path, default=ROOT / "build/release/tools/ccexpert-caption")
    return parser.parse_args()


def bench(arguments):
    entries, rows = read_entries(arguments), settings(arguments)
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


def main():
    try:
        bench(parse_arguments())
    except (Failure, OSError) as error:
        sys.exit(f"bench_scaling.py: {error}")


if __name__ == "__main__":
    main()
