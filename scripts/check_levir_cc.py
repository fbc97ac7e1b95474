#!/usr/bin/env python3
"""Scores a model on real photographs: pairs of LEVIR-CC, by quality, by light, and by what changed.

    scripts/check_levir_cc.py --data FOLDER [--model models/demo] [--split look|keep|all] [--work DIR] [--page FILE]
    scripts/check_levir_cc.py --data FOLDER --captions captions.jsonl        # captions of another model or program
    scripts/check_levir_cc.py --data FOLDER --lists DIR                      # writes the lists of the split

FOLDER is your copy of LEVIR-CC: a list in the universal format (val.jsonl, or the file itself) with change_caption and
change_flag, and the images that it names. ccexpert-caption writes the captions, ccexpert-eval the scores and their
intervals, both as programs of build/release. Options after -- go to ccexpert-caption.

Tiles of 16 neighbouring crops are divided, never a tile: a third of the tiles, by a hash of their names, is `keep`. Its
figures may be read; its pairs are for the end of a round, so its captions and images are not shown. `look` may be
looked at: --page writes a page with its worst pairs. The images have a licence for research alone, so a page stays with
them. Needs Pillow."""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import levir_cc
from levir_cc import Wrong, confusion, groups, markdown, part_of, score_rows, things_of, thirds

ROOT = pathlib.Path(__file__).resolve().parent.parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder with val.jsonl, or a list")
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "models/demo", help="checkpoint folder")
    parser.add_argument("--captions", type=pathlib.Path, help="score this file of captions instead")
    parser.add_argument("--split", choices=("look", "keep", "all"), default="all")
    parser.add_argument("--work", type=pathlib.Path, help="folder to keep captions, lists and scores in")
    parser.add_argument("--page", type=pathlib.Path, help="page of the worst pairs with their images (look alone)")
    parser.add_argument("--page-images", type=int, default=200, help="pairs with images on the page")
    parser.add_argument("--only-numbers", action="store_true", help="print no captions of the worst pairs")
    parser.add_argument("--worst", type=int, default=10, help="number of the worst pairs of look to print")
    parser.add_argument("--lists", type=pathlib.Path, help="write look, train, choose and keep as lists, and end")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release/tools", help="folder of the programs")
    parser.add_argument("options", nargs="*", help="options of ccexpert-caption, after --")
    return parser.parse_args()


def read_list(data):
    """Returns the pairs of a list with absolute paths."""
    file = data / "val.jsonl" if data.is_dir() else data
    pairs = levir_cc.read_pairs(file)
    root = file.resolve().parent
    for number, pair in enumerate(pairs, 1):
        for key in ("uid", "img1_path", "img2_path", "change_caption", "change_flag"):
            if key not in pair:
                raise Wrong(f"{file}: entry {number}: expected the key {key}, got none")
        levir_cc.tile_of(pair["uid"])
    return [levir_cc.with_paths(pair, root) for pair in pairs]


def write_list(file, pairs):
    """Writes a list of pairs, unless the file has them already, and returns the file."""
    text = "".join(json.dumps(pair) + "\n" for pair in pairs)
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")
    return file


def counts(pairs):
    changed = sum(bool(pair["change_flag"]) for pair in pairs)
    tiles = len({levir_cc.tile_of(pair["uid"]) for pair in pairs})
    unsure = sum("id_certainty" in pair for pair in pairs)
    note = f", {unsure} of them perhaps with images of another" if unsure else ""
    return f"{len(pairs)} pairs of {tiles} tiles: {changed} changed, {len(pairs) - changed} unchanged{note}"


def parts(pairs):
    look = [pair for pair in pairs if part_of(pair["uid"]) == "look"]
    return {"all": pairs, "look": look, "keep": [pair for pair in pairs if part_of(pair["uid"]) == "keep"],
            "train": [pair for pair in look if levir_cc.trains(pair["uid"])],
            "choose": [pair for pair in look if not levir_cc.trains(pair["uid"])]}


def expect_page_allowed(page, split):
    """Ends with a sentence if a page would show pairs of keep, or be in a folder that is committed or shipped."""
    if split != "look":
        raise Wrong(f"--page: expected --split look, got {split} (pairs of keep are not looked at)")
    inside = page.resolve().is_relative_to(ROOT)
    if inside and subprocess.run(["git", "-C", ROOT, "check-ignore", "-q", page.resolve()], check=False).returncode:
        raise Wrong(f"--page: expected a file outside the repository, got {page} (its images may not be published; a "
                    "folder that git ignores, as build, is allowed)")


def brightness_gap(pair):
    """Returns the absolute difference of the mean brightness of the two dates, of 255."""
    try:
        from PIL import Image, ImageStat
    except ImportError:
        raise Wrong("Pillow: expected the Python package, got none (pip install pillow)") from None
    before, after = (ImageStat.Stat(Image.open(pair[key]).convert("L")).mean[0] for key in ("img1_path", "img2_path"))
    return abs(before - after)


class Check:
    """One split under one model: captions, scores and tables."""

    def __init__(self, options, work):
        self.options, self.work = options, work

    def run(self, program, *arguments):
        if not (self.options.bin / program).is_file():
            raise Wrong(f"{self.options.bin / program}: expected the program, got none (build it, or name its folder by --bin)")
        done = subprocess.run([str(self.options.bin / program), *map(str, arguments)], stdout=subprocess.PIPE, text=True,
                              check=False)
        if done.returncode:
            sys.exit(done.returncode)
        return done.stdout

    def captions(self, pairs):
        file = self.options.captions
        if not file:
            file = self.work / "captions.jsonl"
            self.run("ccexpert-caption", "--pairs", write_list(self.work / "pairs.jsonl", pairs), "--model",
                     self.options.model, "--format", "jsonl", "--quiet", "--output", file, "--resume",
                     *self.options.options)
        lines = map(json.loads, file.read_text(encoding="utf-8").splitlines())
        found = {line["uid"]: line.get("caption", line.get("pred", line.get("prediction"))) for line in lines}
        missing = [pair["uid"] for pair in pairs if not isinstance(found.get(pair["uid"]), str)]
        if missing:
            raise Wrong(f"{file}: expected a caption for each pair, got none for {missing[0]} and {len(missing) - 1} others")
        return {pair["uid"]: found[pair["uid"]] for pair in pairs}

    def scores(self, name, pairs, captions, *options):
        """Returns what ccexpert-eval prints for a group: a file of predictions that holds its references."""
        scored = [{**pair, "pred": captions[pair["uid"]]} for pair in pairs]
        return self.run("ccexpert-eval", write_list(self.work / f"{name.replace(' ', '-')}.jsonl", scored), "--quiet",
                        *options)

    def table(self, pairs, captions, gaps, limits):
        yield ["pairs of", "pairs", *levir_cc.SCORES[:-1], "change or none right, %"]
        for name, group in groups(pairs, gaps, limits):
            if group:
                yield from score_rows(name, json.loads(self.scores(name, group, captions, "--format", "json"))["subsets"])


def report(check, pairs, every):
    options = check.options
    gaps = {pair["uid"]: brightness_gap(pair) for pair in every}
    captions = check.captions(pairs)
    print(f"{options.split}: {counts(pairs)}\n")
    print(markdown(check.table(pairs, captions, gaps, thirds(gaps.values()))))
    print("\nScores times 100, ± half of the 95 % bootstrap interval over pairs; CIDEr-D, and with it S*m, takes its\n"
          "document frequencies from the pairs of the row. Gap: difference of the mean brightness of the two dates, of\n"
          "255, in thirds of all pairs.\n")
    print(markdown(confusion(pairs, captions)))
    several = sum(len(things_of(pair["change_caption"])) > 1 for pair in pairs if pair["change_flag"])
    print(f"\nThings that more than half of a pair's references name, without those that tell a place; {several} pairs are\n"
          "in several rows. Columns: captions that name the thing.")
    if options.split == "look" and not options.only_numbers and options.worst:
        print()
        print(check.scores("worst", pairs, captions, "--no-bootstrap", "--worst", options.worst))
    if options.page:
        check.scores("page", pairs, captions, "--no-bootstrap", "--html", options.page, "--html-images",
                     options.page_images)
        print(f"\npage: {options.page}")


def main():
    options = arguments()
    try:
        every = read_list(options.data)
        split = parts(every)
        if options.page:
            expect_page_allowed(options.page, options.split)
        if options.lists:
            for name in ("look", "train", "choose", "keep"):
                print(f"{write_list(options.lists / f'{name}.jsonl', split[name])}: {counts(split[name])}")
            return
        with tempfile.TemporaryDirectory() as temporary:
            work = options.work or pathlib.Path(temporary)
            work.mkdir(parents=True, exist_ok=True)
            report(Check(options, work), split[options.split], every)
    except Wrong as wrong:
        sys.exit(f"error: {wrong}")


if __name__ == "__main__":
    main()
