#!/usr/bin/env python3
"""Adds mirrored copies to a list of pairs to train on: left and right, top and bottom, and both.

    scripts/mirror_pairs.py LIST.jsonl --out FOLDER

LIST is in the universal format, as JSON Lines or JSON. FOLDER gets list.jsonl, with the pairs of LIST and three copies
of each, and the images, masks and class maps of the copies as PNG. Places in captions change with the image: "upper
left" becomes "upper right". Only training data need this: scores are of the pairs as they are. Needs Pillow."""
import argparse
import json
import os
import pathlib
import re
import sys

import levir_cc

ACROSS = {"left": "right", "east": "west", "eastern": "western"}
DOWN = {"top": "bottom", "upper": "lower", "above": "below", "north": "south", "northern": "southern"}
COPIES = {"lr": (True, False), "tb": (False, True), "lrtb": (True, True)}  # name: left and right, top and bottom


def both_ways(words):
    return {**words, **{value: key for key, value in words.items()}}


def mirrored_text(text, across, down):
    """Returns a caption of the mirrored image."""
    words = {**(both_ways(ACROSS) if across else {}), **(both_ways(DOWN) if down else {})}
    return re.sub(r"[A-Za-z]+", lambda found: words.get(found[0].lower(), found[0]), text)


def mirrored_image(source, target, across, down):
    try:
        from PIL import Image
    except ImportError:
        raise levir_cc.Wrong("Pillow: expected the Python package, got none (pip install pillow)") from None
    try:
        image = Image.open(source)
        image.load()
    except OSError as error:  # also what Pillow raises of bytes that are no image
        raise levir_cc.Wrong(f"{source}: expected an image, got an error ({error.strerror or error})") from None
    for changes, side in ((across, Image.Transpose.FLIP_LEFT_RIGHT), (down, Image.Transpose.FLIP_TOP_BOTTOM)):
        image = image.transpose(side) if changes else image
    image.save(target, compress_level=1)


def copies(pair, root, folder):
    """Yields the three mirrored copies of a pair and writes their images."""
    for name, (across, down) in COPIES.items():
        copy = dict(pair, uid=f"{pair['uid']}-{name}")
        copy["change_caption"] = [mirrored_text(text, across, down) for text in pair["change_caption"]]
        for key in levir_cc.path_keys(pair):
            file = f"{re.sub(r'[^A-Za-z0-9_-]', '_', copy['uid'])}-{key.split('_')[0]}.png"
            mirrored_image(root / pair[key], folder / file, across, down)
            copy[key] = file
        yield copy


def write_list(pairs, root, folder):
    """Writes list.jsonl, with the pairs and their copies, and the images of the copies."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / "list.jsonl.part"  # so that a list is there only if all its images are
    with unfinished.open("w", encoding="utf-8") as file:
        for pair in pairs:
            for entry in (levir_cc.with_paths(pair, root), *copies(pair, root, folder)):
                file.write(json.dumps(entry) + "\n")
    os.replace(unfinished, folder / "list.jsonl")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    try:
        pairs = levir_cc.read_pairs(options.list)
        write_list(pairs, options.list.resolve().parent, options.out)
    except (levir_cc.Wrong, OSError) as wrong:
        sys.exit(f"error: {wrong}")
    print(f"{options.out}/list.jsonl: {4 * len(pairs)} pairs")


if __name__ == "__main__":
    main()
