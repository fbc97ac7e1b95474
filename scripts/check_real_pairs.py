#!/usr/bin/env python3
"""Checks a model's decisions between change and no change on real images.

It captions each pair in LEVIR-CD's layout (A/NAME, B/NAME and, if known, label/NAME), and each image against copies
of itself in other light: different exposure, gamma, white balance, haze, a shift of one pixel. Needs Pillow and numpy.

    scripts/check_real_pairs.py FOLDER [--model DIR] [--dtype int8] [--caption build/release/tools/ccexpert-caption]
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

from levir_cc import says_unchanged

CHANGED_SHARE = 0.005  # smallest visible share of changed pixels in a label


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--model", help="checkpoint folder (default: the demo model)")
    parser.add_argument("--dtype", help="arithmetic of the model (default: that of ccexpert-caption)")
    parser.add_argument("--caption", default="build/release/tools/ccexpert-caption")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--copies", type=int, default=4, help="shifted copies of each image")
    return parser.parse_args()


def expect_pairs(folder):
    """Exits with a sentence if the folder lacks LEVIR-CD's layout or an image of the second date."""
    for date in ("A", "B"):
        if not (folder / date).is_dir():
            sys.exit(f"error: {folder}: expected the folders A and B, got no folder {date}")
    missing = [path.name for path in sorted((folder / "A").iterdir()) if not (folder / "B" / path.name).is_file()]
    if missing:
        sys.exit(f"error: {folder}/B: expected an image for each of A, got none for {missing[0]}")


def in_other_light(image, random):
    pixels = np.asarray(image, np.float32) / 255.0
    pixels = np.roll(pixels, random.integers(-1, 2, 2), (0, 1))
    pixels = pixels ** random.uniform(0.75, 1.35)
    pixels = pixels * random.uniform(0.75, 1.25) * random.uniform(0.88, 1.12, 3)
    haze = random.uniform(0.0, 0.2)
    pixels = pixels * (1.0 - haze) + haze * random.uniform(0.5, 0.8)
    pixels += random.normal(0.0, 0.01, pixels.shape)
    return Image.fromarray((pixels.clip(0.0, 1.0) * 255.0 + 0.5).astype(np.uint8))


def real_pairs(folder):
    for before in sorted((folder / "A").iterdir()):
        label = folder / "label" / before.name
        changed = None
        if label.exists():
            changed = float((np.asarray(Image.open(label).convert("L")) > 127).mean()) >= CHANGED_SHARE
        yield {"uid": before.stem, "before": str(before.resolve()),
               "after": str((folder / "B" / before.name).resolve()), "changed": changed}


def shifted_pairs(folder, copies, seed, target):
    random = np.random.default_rng(seed)
    for date in ("A", "B"):
        for path in sorted((folder / date).iterdir()):
            image = Image.open(path).convert("RGB")
            for copy in range(copies):
                file = target / f"{date}-{path.stem}-{copy}.png"
                in_other_light(image, random).save(file)
                yield {"uid": file.stem, "before": str(path.resolve()), "after": str(file), "changed": False}


def caption(options, pairs, work):
    listing = work / "pairs.jsonl"
    listing.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    command = [options.caption, "--pairs", str(listing), "--format", "jsonl", "--quiet"]
    for name in ("model", "dtype"):
        if getattr(options, name):
            command += [f"--{name}", getattr(options, name)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.returncode)
    return {line["uid"]: line["caption"] for line in map(json.loads, done.stdout.splitlines())}


def main():
    options = arguments()
    expect_pairs(options.folder)
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        real = list(real_pairs(options.folder))
        shifted = list(shifted_pairs(options.folder, options.copies, options.seed, work))
        captions = caption(options, real + shifted, work)
    for pair in real:
        says_change = not says_unchanged(captions[pair["uid"]])
        verdict = "" if pair["changed"] is None else "right" if says_change == pair["changed"] else "WRONG"
        print(f"{pair['uid']:24} {verdict:5} {captions[pair['uid']]}")
    known = [pair for pair in real if pair["changed"] is not None]
    right = sum(says_unchanged(captions[pair["uid"]]) != pair["changed"] for pair in known)
    same = sum(says_unchanged(captions[pair["uid"]]) for pair in shifted)
    print(f"change or none right: {right} of {len(known)} pairs, {same} of {len(shifted)} shifted copies")


if __name__ == "__main__":
    main()
