#!/usr/bin/env python3
"""Compares the time of each stage of ccexpert-caption with the least time that this machine needs for it.

    cmake --preset release -DCCEXPERT_BUILD_BENCHMARKS=ON && ninja -C build/release roofline ccexpert-caption
    scripts/bench_roofline.py --model CHECKPOINT --before A/ --after B/ --dtypes float32,bfloat16,int8 --threads 2

In turns with the captions, tests/bench/roofline measures the limits of the machine on the same number of threads: the
best product in float32, bfloat16 and int8 (LibTorch's or ours at the shapes of so400m, Qwen2-0.5B and a large square,
and oneDNN's tile kernel with operands in the cache), and the bytes per second that it reads from memory. Limits are the
best of all turns, times the medians.

The work of a stage is that of the published model for one pair: products with weights, and scores of attention. The
bytes are its weights once, in decode once per token and with keys and values. The limit is the longer of both times:
the products at the best rate of the dtype plus the scores at the best rate in floating point, or the bytes at the
memory's rate. Norms, activation functions, quantisation and copies count as no work. Needs no Python package.
"""

import argparse
import datetime
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import bench_peers
from peers.work import Failure

DTYPES = ("float32", "bfloat16", "int8")
STAGES = ("vision", "diff_expert", "prefill", "decode")
TITLES = {"vision": "vision transformer", "diff_expert": "Diff Expert and projector", "prefill": "prefill",
          "decode": "decode"}
WEIGHT_BYTES = {"float32": 4, "bfloat16": 2, "int8": 1}


def limits_of(args, prompt_tokens):
    command = [args.roofline, args.model / "config.json", str(prompt_tokens), str(args.threads)]
    try:
        made = subprocess.run(command, capture_output=True, text=True, check=True)
    except subprocess.CalledProcessError as error:
        raise Failure(f"roofline: {(error.stderr.strip().splitlines() or ['no output'])[-1]}") from error
    return json.loads(made.stdout)


def best_limits(turns):
    """Returns the best of each figure of all turns."""
    rates = {dtype: max(max(turn["limits"]["gflop_per_s"][dtype].values()) for turn in turns)
             for dtype in turns[0]["limits"]["gflop_per_s"]}
    first = turns[0]["limits"]
    return {"read_gb_per_s": max(turn["limits"]["read_gb_per_s"] for turn in turns), "gflop_per_s": rates,
            "level": first["level"], "int8_kernel": first["int8_kernel"]}


def floating(limits, dtype):
    """Returns the dtype of attention, and of keys and values: that of the best rate for int8."""
    rates = limits["gflop_per_s"]
    if dtype == "int8":
        return "bfloat16" if rates.get("bfloat16", 0.0) > rates["float32"] else "float32"
    return dtype


def row_of(stage, work, dtype, limits, reached, times):
    """`times`: how often the stage's work is done."""
    rates = limits["gflop_per_s"]
    attention = floating(limits, dtype)
    gflop = 2e-9 * (work["products"] + work["scores"]) * times
    gb = 1e-9 * (work["weights"] * WEIGHT_BYTES[dtype] + work["cache"] * WEIGHT_BYTES[attention]) * times
    compute = 2e-9 * times * (work["products"] / rates.get(dtype, rates["float32"]) +
                              work["scores"] / rates.get(attention, rates["float32"]))
    memory = gb / limits["read_gb_per_s"]
    limit = max(compute, memory)
    return {"stage": stage, "dtype": dtype, "gflop": gflop, "gb": gb, "limit_seconds": limit,
            "bound": "products" if compute >= memory else "memory", "seconds": reached,
            "gflop_per_s": gflop / reached, "gb_per_s": gb / reached, "share": limit / reached}


def markdown(report):
    limits = report["limits"]
    rates = ", ".join(f"{dtype} {rate:,.0f}" for dtype, rate in limits["gflop_per_s"].items())
    lines = [f"{report['machine']['cpu']}, {report['threads']} threads, level {limits['level']} (int8: "
             f"{limits['int8_kernel']}); products in GFLOP/s: {rates}; reads {limits['read_gb_per_s']:.1f} GB/s", "",
             "| | GFLOP | GB read | limit, s | bound by | reached, s | GFLOP/s | GB/s | share |",
             "|---|---:|---:|---:|---|---:|---:|---:|---:|"]
    for row in report["rows"]:
        lines.append(f"| {row['dtype']}, {TITLES[row['stage']]} | {row['gflop']:.0f} | {row['gb']:.2f} | "
                     f"{row['limit_seconds']:.3f} | {row['bound']} | {row['seconds']:.3f} | {row['gflop_per_s']:.0f} | "
                     f"{row['gb_per_s']:.1f} | {100 * row['share']:.0f} % |")
    return "\n".join(lines)


def prepared(args):
    sides = {dtype: bench_peers.Ours(args, dtype) for dtype in args.dtypes}
    for dtype, side in sides.items():
        folder = args.work / bench_peers.identity(args)[:12] / f"ccexpert-{dtype}"
        folder.mkdir(parents=True, exist_ok=True)
        side.prepare(folder)
    return sides


def bench(args):
    bench_peers.check(args)
    if not args.roofline.is_file():
        raise Failure(f"{args.roofline}: expected the program roofline, got nothing (configure with "
                      "-DCCEXPERT_BUILD_BENCHMARKS=ON, build the target roofline)")
    args.pairs = bench_peers.find_pairs(args)
    sides, turns = prepared(args), []
    runs = {dtype: [] for dtype in sides}
    with tempfile.TemporaryDirectory(prefix="ccexpert-bench-") as name:
        for turn in range(1, args.repeat + 1):
            for dtype, side in sides.items():
                runs[dtype].append(side.run(args.pairs, Path(name)))
                print(f"run {turn} of {args.repeat}, {dtype}: {runs[dtype][-1]['seconds']['process']:.1f} s",
                      file=sys.stderr)
            tokens = runs[args.dtypes[0]][0]["prompt_tokens"] // len(args.pairs)
            turns.append(limits_of(args, tokens))
    limits, stages = best_limits(turns), turns[0]["stages"]
    rows = [row_of(stage, stages[stage], dtype, limits, bench_peers.median_of(runs[dtype], "seconds", stage),
                   args.new_tokens - 1 if stage == "decode" else 1)
            for dtype in args.dtypes for stage in STAGES]
    report = {"date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
              "machine": bench_peers.machine(), "threads": args.threads, "prompt_tokens": tokens,
              "limits": limits, "all_limits": [turn["limits"] for turn in turns], "rows": rows}
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(json.dumps(report, indent=2) + "\n")
    print(markdown(report))
    print(f"\nall figures: {args.output}")
    return 0


def parse_arguments():
    build = bench_peers.REPOSITORY / "build"
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], allow_abbrev=False)
    parser.add_argument("--model", type=Path, required=True, metavar="DIR", help="checkpoint, authors' layout")
    parser.add_argument("--before", type=Path, required=True, metavar="DIR", help="earlier images")
    parser.add_argument("--after", type=Path, required=True, metavar="DIR", help="later images of the same names")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="first N pairs (default: all)")
    parser.add_argument("--new-tokens", type=int, default=24, metavar="N", help="tokens per caption (default: 24)")
    parser.add_argument("--dtypes", type=bench_peers.choices(DTYPES), default=list(DTYPES), metavar="LIST",
                        help=f"all (default), or some of {', '.join(DTYPES)}")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="CPU threads (default: 2)")
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="turns (default: 3)")
    parser.add_argument("--ccexpert", type=Path, metavar="FILE", default=build / "release" / "tools" /
                        "ccexpert-caption", help="default: build/release/tools/ccexpert-caption")
    parser.add_argument("--roofline", type=Path, metavar="FILE", default=build / "release" / "tests" / "bench" /
                        "roofline", help="default: build/release/tests/bench/roofline")
    parser.add_argument("--work", type=Path, metavar="DIR", default=build / "bench-peers",
                        help="default: build/bench-peers")
    parser.add_argument("--output", type=Path, metavar="FILE", default=build / "roofline.json",
                        help="default: build/roofline.json")
    return parser.parse_args(namespace=argparse.Namespace(device="cpu"))


def main():
    try:
        return bench(parse_arguments())
    except (Failure, OSError, subprocess.CalledProcessError) as error:
        print(f"bench_roofline.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
