#!/usr/bin/env python3
"""Compares maps of change with masks, beside two plain baselines.

    scripts/check_change_maps.py PAIRS.json [--model DIR] [--limit N] [--caption build/release/tools/ccexpert-caption]

PAIRS.json (or .jsonl) is in the universal format with mask_path; pairs without change_flag 1 have no mask. Three maps
are compared: that of `ccexpert-caption --locate`; the distance of the vision transformer's features alone, which is the
map of the same model without its Diff Expert; and the difference of the pixels. "pixels" is the area under the curve of
the pixels of all pairs together, "within a pair" the mean of that of each changed pair with a mask, "pointing" the share
of these whose largest value is inside the mask, "pairs" the area under the curve of the score against the change flag.
Needs Pillow and numpy."""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import levir_cc
import numpy as np
from PIL import Image

SIDE = 256  # maps and masks are compared at this size


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=pathlib.Path)
    parser.add_argument("--model", default="models/demo", help="checkpoint with a Diff Expert in one model.safetensors")
    parser.add_argument("--limit", type=int, default=0, help="first N changed and N unchanged pairs (0: all)")
    parser.add_argument("--caption", default="build/release/tools/ccexpert-caption")
    return parser.parse_args()


def read_pairs(file, limit):
    try:
        pairs = levir_cc.read_pairs(file)
    except levir_cc.Wrong as wrong:
        sys.exit(f"error: {wrong}")
    kinds = [[pair for pair in pairs if bool(pair["change_flag"]) == kind] for kind in (True, False)]
    return [pair for kind in kinds for pair in (kind[:limit] if limit else kind)]


def located(options, model, pairs, folder):
    """Returns the maps [P,G,G] and the raw scores [P] of a model."""
    listed = pathlib.Path(folder, "pairs.jsonl")
    root = options.pairs.resolve().parent
    with listed.open("w") as file:
        for i, pair in enumerate(pairs):
            before, after = (str(root / pair[key]) for key in ("img1_path", "img2_path"))
            file.write(json.dumps({"uid": str(i), "before": before, "after": after}) + "\n")
    command = [options.caption, "--model", str(model), "--pairs", str(listed), "--format", "jsonl", "--locate"]
    command += ["--max-new-tokens", "1", "--batch-size", "4", "--quiet"]
    lines = [json.loads(line) for line in subprocess.run(command, check=True, capture_output=True).stdout.splitlines()]
    maps = [np.array(line["change_map"]["values"]).reshape(line["change_map"]["grid"], -1) for line in lines]
    return np.stack(maps), np.array([line["change_raw"] for line in lines])


def enlarged(values):
    """Returns a grid of patches at SIDE pixels, bilinear."""
    return np.asarray(Image.fromarray(values.astype(np.float32)).resize((SIDE, SIDE), Image.BILINEAR))


def pixel_difference(root, pair):
    images = [Image.open(root / pair[key]).convert("RGB").resize((SIDE, SIDE)) for key in ("img1_path", "img2_path")]
    before, after = (np.asarray(image, np.float32) / 255 for image in images)
    return np.abs(before - after).mean(-1)


def mask_of(root, pair):
    if not pair["change_flag"]:
        return np.zeros((SIDE, SIDE), bool)
    return np.asarray(Image.open(root / pair["mask_path"]).convert("L").resize((SIDE, SIDE), Image.NEAREST)) > 127


def area_under_curve(scores, truth):
    order = np.argsort(scores, kind="stable")
    values, ranks = scores[order], np.empty(len(scores))
    _, first, counts = np.unique(values, return_index=True, return_counts=True)
    ranks[order] = np.repeat(first + (counts + 1) / 2, counts)  # equal scores share their mean rank
    positive = truth.sum()
    return (ranks[truth].sum() - positive * (positive + 1) / 2) / positive / (len(truth) - positive)


def area_within_pairs(maps, masks, marked):
    """Returns the mean area under the curve of each changed pair alone: place, without the decision if it changed."""
    step = slice(None, None, 2)
    areas = [area_under_curve(maps[i][step, step].ravel(), masks[i][step, step].ravel()) for i in marked
             if not masks[i].all()]
    return np.mean(areas)


def best_overlap(maps, masks):
    """Returns the intersection over union of all pixels together at the best threshold, and the threshold."""
    best = (0.0, 0.0)
    for threshold in np.quantile(maps[:: max(1, len(maps) // 50)], np.linspace(0.5, 0.999, 60)):
        inside = maps >= threshold
        best = max(best, (float((inside & masks).sum() / (inside | masks).sum()), float(threshold)))
    return best


def report(name, maps, scores, masks, changed):
    marked = [i for i in range(len(masks)) if masks[i].any()]
    step = slice(None, None, 4)  # every fourth pixel of a row is enough for the area under a curve
    pixels = area_under_curve(maps[:, step, step].ravel(), masks[:, step, step].ravel())
    pointing = np.mean([masks[i].ravel()[maps[i].argmax()] for i in marked])
    overlap, threshold = best_overlap(maps, masks)
    pairs = area_under_curve(scores, changed) if 0 < changed.sum() < len(changed) else float("nan")
    within = area_within_pairs(maps, masks, marked)
    print(f"{name:28} pixels {pixels:.3f}  within a pair {within:.3f}  pointing {pointing:.3f}  "
          f"IoU {overlap:.3f} at {threshold:.3f}  pairs {pairs:.3f}")


def main():
    options = arguments()
    root = options.pairs.resolve().parent
    pairs = read_pairs(options.pairs, options.limit)
    masks = np.stack([mask_of(root, pair) for pair in pairs])
    changed = np.array([bool(pair["change_flag"]) for pair in pairs])
    print(f"{len(pairs)} pairs, {changed.sum()} changed, {sum(mask.any() for mask in masks)} with a mask")
    with tempfile.TemporaryDirectory() as folder:
        plain = pathlib.Path(folder, "plain")
        script = pathlib.Path(__file__).parent / "without_diff_expert.py"
        subprocess.run([sys.executable, script, options.model, plain], check=True, stdout=subprocess.DEVNULL)
        for name, model in (("--locate", options.model), ("features of the tower", plain)):
            grids, scores = located(options, model, pairs, folder)
            report(name, np.stack([enlarged(grid) for grid in grids]), scores, masks, changed)
    pixels = np.stack([pixel_difference(root, pair) for pair in pairs])
    largest = np.sort(pixels.reshape(len(pairs), -1), 1)[:, -SIDE * SIDE // 50 :]
    report("difference of pixels", pixels, largest.mean(1), masks, changed)


if __name__ == "__main__":
    main()
