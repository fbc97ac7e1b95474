#!/usr/bin/env python3
"""Measures the hotspots of ccexpert-map on pairs with change flags, such as photographs.

    scripts/check_map_pairs.py PAIRS.jsonl [--size 128] [--limit N] [--model DIR] [--build build/release] [--out FILE]

PAIRS.jsonl is in the universal format. Its pairs with images of --size pixels on a side become the tiles of one scene,
which is mapped with --all and --check-swap. Prints the tiles that each threshold would caption, and the quality of scores
and of `unsure` by ccexpert-eval. --out keeps the tiles as predictions. Needs GDAL (gdal-bin) and Pillow."""
import argparse
import json
import math
import pathlib
import sqlite3
import subprocess
import tempfile

from PIL import Image

THRESHOLDS = (0.1, 0.2, 0.5, 0.8)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=pathlib.Path)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--limit", type=int, default=0, help="first N pairs of each kind (0: all)")
    parser.add_argument("--model", default="models/demo")
    parser.add_argument("--build", type=pathlib.Path, default="build/release")
    parser.add_argument("--out", type=pathlib.Path, help="JSON Lines to write")
    return parser.parse_args()


def read_pairs(options):
    """Returns the pairs of the size, those of each kind up to the limit."""
    root = options.pairs.parent
    kinds = {True: [], False: []}
    for line in options.pairs.read_text().splitlines():
        pair = json.loads(line)
        if Image.open(root / pair["img1_path"]).size == (options.size, options.size):
            kinds[bool(pair["change_flag"])].append(pair)
    return [pair for kind in kinds.values() for pair in (kind[: options.limit] if options.limit else kind)]


def mosaic(options, pairs, key, path):
    """Writes a virtual raster of one date, with a pair in each tile."""
    size, columns = options.size, math.isqrt(len(pairs) - 1) + 1
    bands = []
    for band in (1, 2, 3):
        sources = "".join(
            f'<SimpleSource><SourceFilename relativeToVRT="0">{(options.pairs.parent / pair[key]).resolve()}</SourceFilename>'
            f'<SourceBand>{band}</SourceBand><SrcRect xOff="0" yOff="0" xSize="{size}" ySize="{size}"/>'
            f'<DstRect xOff="{i % columns * size}" yOff="{i // columns * size}" xSize="{size}" ySize="{size}"/></SimpleSource>'
            for i, pair in enumerate(pairs))
        bands.append(f'<VRTRasterBand dataType="Byte" band="{band}">{sources}</VRTRasterBand>')
    rows = -(-len(pairs) // columns)
    path.write_text(f'<VRTDataset rasterXSize="{columns * size}" rasterYSize="{rows * size}"><SRS>EPSG:32614</SRS>'
                    f"<GeoTransform>600000, 1, 0, 3400000, 0, -1</GeoTransform>{''.join(bands)}</VRTDataset>")


def mapped(options, pairs, folder):
    """Returns score, caption, unsure and flag of each pair's tile."""
    for date, key in (("before", "img1_path"), ("after", "img2_path")):
        mosaic(options, pairs, key, folder / f"{date}.vrt")
    command = [options.build / "tools/ccexpert-map", "--model", options.model, folder / "before.vrt", folder / "after.vrt"]
    command += ["-o", folder / "changes.gpkg", "--tile", options.size, "--all", "--check-swap", "--quiet"]
    subprocess.run([str(word) for word in command], check=True)
    select = "SELECT tile, score, caption, unsure FROM tiles WHERE score IS NOT NULL ORDER BY tile"  # none if a tile failed
    rows = sqlite3.connect(folder / "changes.gpkg").execute(select)
    return [{"uid": pairs[tile]["uid"], "caption": caption, "change_score": score, "unsure": bool(unsure)}
            for tile, score, caption, unsure in rows if tile < len(pairs)]


def main():
    options = arguments()
    pairs = read_pairs(options)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        found = mapped(options, pairs, folder)
        lines = "".join(json.dumps(line) + "\n" for line in found)
        said, references = folder / "said.jsonl", folder / "pairs.jsonl"
        said.write_text(lines)
        if options.out:
            options.out.write_text(lines)
        mapped_uids = {line["uid"] for line in found}
        references.write_text("".join(json.dumps(pair) + "\n" for pair in pairs if pair["uid"] in mapped_uids))
        changed = {pair["uid"]: bool(pair["change_flag"]) for pair in pairs}
        print(f"{len(pairs)} tiles, {sum(changed.values())} of them changed, {len(pairs) - len(found)} failed")
        for threshold in THRESHOLDS:
            hot = [changed[line["uid"]] for line in found if line["change_score"] >= threshold]
            print(f"threshold {threshold}: changed {sum(hot)}, unchanged {len(hot) - sum(hot)} captioned")
        evaluate = [options.build / "tools/ccexpert-eval", said, "--references", references, "--no-bootstrap"]
        subprocess.run([str(word) for word in evaluate], check=True)


if __name__ == "__main__":
    main()
