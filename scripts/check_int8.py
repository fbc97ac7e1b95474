#!/usr/bin/env python3
"""Compares a model in int8, and in other precisions, with float32: logits, captions, decisions.

    scripts/check_int8.py --model CHECKPOINT --pairs LIST [--logit-pairs 8] [--dtypes int8,bfloat16] [--logits-only]

ccexpert-quantize writes the model in int8 and compares its logits, and those of bfloat16, with float32 on the captions
of the first pairs, of which all see the tokens of float32. ccexpert-caption then captions the list in each precision.
The table shows for each precision mean and least cosine of the logits, the share of tokens with the same first choice,
how many captions have the tokens of float32, how many have its decision between change and no change (LEVIR-CC's five
sentences of no change), and the largest difference of the log-probability of an equal caption. Exit code 1: the least
cosine of int8's logits is below --cosine. Standard library only.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from levir_cc import says_unchanged


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="checkpoint folder in floating point")
    parser.add_argument("--pairs", required=True, help="list of pairs, as for ccexpert-caption")
    parser.add_argument("--image-root", help="folder of the list's relative paths (default: the list's)")
    parser.add_argument("--logit-pairs", type=int, default=8, help="pairs whose logits are compared")
    parser.add_argument("--dtypes", default="int8,bfloat16", help="precisions to compare with float32")
    parser.add_argument("--logits-only", action="store_true", help="compare no captions")
    parser.add_argument("--new-tokens", type=int, help="most tokens of a caption")
    parser.add_argument("--cosine", type=float, default=0.999, help="least cosine of logits that passes")
    parser.add_argument("--tools", type=Path, default=Path("build/release/tools"), help="folder of the commands")
    parser.add_argument("--work", type=Path, help="folder for the int8 model and the captions (default: temporary)")
    parser.add_argument("--threads", type=int, help="threads of ccexpert-caption")
    return parser.parse_args()


def run(command):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"error: {command[0]} failed with exit code {done.returncode}")
    return done.stdout


def list_options(options):
    return ["--pairs", options.pairs] + (["--image-root", options.image_root] if options.image_root else [])


def quantise(options, work, dtypes):
    """Writes the int8 model; returns the agreement of the logits of int8 and, if it is asked for, of bfloat16."""
    report = work / "logits.json"
    beside = ["--beside-bfloat16"] if "bfloat16" in dtypes else []
    run([options.tools / "ccexpert-quantize", options.model, "-o", work / "int8", *list_options(options), *beside,
         "--limit", options.logit_pairs, "--logits", report, "--quiet"])
    logits = json.loads(report.read_text())
    return {"int8": logits} | ({"bfloat16": logits["bfloat16"]} if beside else {})


def caption(options, work, dtype):
    model = work / "int8" if dtype == "int8" else options.model
    command = [options.tools / "ccexpert-caption", "--model", model, "--dtype", dtype, *list_options(options),
               "--format", "jsonl", "--quiet"]
    if options.new_tokens:
        command += ["--max-new-tokens", options.new_tokens]
    if options.threads:
        command += ["--threads", options.threads]
    out = run(command)
    (work / f"{dtype}.jsonl").write_text(out)
    return {line["uid"]: line for line in map(json.loads, out.splitlines())}


def logit_cells(logits):
    if logits is None:
        return " | | |"
    return (f" {logits['mean_cosine']:.5f} | {logits['least_cosine']:.5f} | {100 * logits['same_choice']:.1f} % |")


def caption_cells(compared, pairs):
    if compared is None:
        return " | | |"
    same, flips, difference = compared
    return f" {len(same)} of {pairs} | {pairs - len(flips)} of {pairs} | {difference:.4f} |"


def compare(expected, found):
    same = [uid for uid in expected if expected[uid]["token_ids"] == found[uid]["token_ids"]]
    flips = [uid for uid in expected if says_unchanged(expected[uid]["caption"]) != says_unchanged(found[uid]["caption"])]
    difference = max((abs(expected[uid]["logprob"] - found[uid]["logprob"]) for uid in same), default=0.0)
    return same, flips, difference


def main():
    options = arguments()
    dtypes = options.dtypes.split(",")
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        logits = quantise(options, work, dtypes)
        expected = {} if options.logits_only else caption(options, work, "float32")
        found = {dtype: caption(options, work, dtype) for dtype in dtypes} if expected else {}
    compared = {dtype: compare(expected, captions) for dtype, captions in found.items()}
    print(f"logits of {logits['int8']['tokens']} tokens, {len(expected)} captions\n")
    print("| | mean cosine | least cosine | same first choice | same tokens | same decision | log-probability |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for dtype in dtypes:
        print(f"| {dtype} |{logit_cells(logits.get(dtype))}{caption_cells(compared.get(dtype), len(expected))}")
    for dtype, (_, flips, _) in compared.items():
        for uid in flips:
            print(f"{dtype}: {uid}: {expected[uid]['caption']} -> {found[dtype][uid]['caption']}")
    return 0 if logits["int8"]["least_cosine"] >= options.cosine else 1


if __name__ == "__main__":
    sys.exit(main())
