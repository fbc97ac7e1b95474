#!/usr/bin/env python3
"""Maps a sparse scene of 40,000 x 40,000 pixels, and checks its memory and what it finds.

    scripts/check_map_scene.py [--pairs N] [--warped] [--side N] [--model DIR] [--build build/release]

Pairs that `ccexpert-data synth` draws lie on tiles that are spread over the scene; the rest of both files has no data.
With --warped the second date is in the neighbouring UTM zone, and is registered. Fails if ccexpert-map needs more than
--most-mb at its peak, if it maps other tiles than those with data, or if changed ground lies outside of them. Prints
the peak, the time, and how many of the changed and of the unchanged pairs are captioned. Needs GDAL's programs
(gdal-bin) and no Python package."""
import argparse
import json
import os
import pathlib
import random
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time

TILE = 256  # side of the drawn pairs, and of the tiles
LEFT, TOP, PIXEL = 400_000.0, 6_000_000.0, 0.5
ZONE, NEIGHBOUR = "EPSG:32633", "EPSG:32632"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=40_000, help="pixels along one side of the scene")
    parser.add_argument("--pairs", type=int, default=64, help="tiles with data, half of them changed")
    parser.add_argument("--warped", action="store_true", help="put the second date into another zone and register it")
    parser.add_argument("--most-mb", type=float, default=1500.0)
    parser.add_argument("--model", default="models/demo")
    parser.add_argument("--build", type=pathlib.Path, default="build/release")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def call(*words):
    subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL)


def drawn_pairs(options, folder):
    """Draws pairs and returns them as entries of the universal format."""
    draw = [options.build / "tools/ccexpert-data", "synth", "--out", folder, "--pairs", options.pairs, "--quiet"]
    call(*draw, "--train-share", 0, "--val-share", 0, "--test-share", 1, "--seed", 777)
    return json.loads((folder / "test.json").read_text())


def create(path, system, box, side):
    """Creates a raster that stores no pixel."""
    west, south, east, north = box
    call("gdal_create", "-q", "-outsize", side[0], side[1], "-bands", 3, "-ot", "Byte", "-a_srs", system, "-a_ullr", west,
         north, east, south, "-a_nodata", 0, "-co", "TILED=YES", "-co", "SPARSE_OK=TRUE", "-co", "BIGTIFF=YES", path)


def put(images, places, path):
    """Copies images to their tiles; GDAL's warper touches only the blocks under them."""
    for image, (column, row) in zip(images, places):
        x, y = LEFT + column * TILE * PIXEL, TOP - row * TILE * PIXEL
        world = [PIXEL, 0, 0, -PIXEL, x + PIXEL / 2, y - PIXEL / 2]
        image.with_suffix(".pgw").write_text("\n".join(str(value) for value in world) + "\n")
    call("gdalwarp", "-q", "-s_srs", ZONE, "-r", "bilinear", *images, path)


def box_in(system, side):
    """Returns the box of the scene in another system, and its size in pixels."""
    length = side * PIXEL
    corners = "".join(f"{LEFT + x * length} {TOP - y * length}\n" for x in (0, 1) for y in (0, 1))
    command = ["gdaltransform", "-s_srs", ZONE, "-t_srs", system, "-output_xy"]
    lines = subprocess.run(command, input=corners, text=True, check=True, capture_output=True).stdout.splitlines()
    x, y = zip(*(map(float, line.split()) for line in lines))
    box = [min(x) // 1 - 1, min(y) // 1 - 1, max(x) // 1 + 2, max(y) // 1 + 2]
    return box, [int((box[2] - box[0]) / PIXEL), int((box[3] - box[1]) / PIXEL)]


def write_scenes(options, pairs, places, root, folder):
    """Writes both dates and returns their paths."""
    before, after = folder / "before.tif", folder / "after.tif"
    length = options.side * PIXEL
    box = [LEFT, TOP - length, LEFT + length, TOP]
    create(before, ZONE, box, [options.side] * 2)
    put([root / pair["img1_path"] for pair in pairs], places, before)
    if options.warped:
        create(after, NEIGHBOUR, *box_in(NEIGHBOUR, options.side))
    else:
        create(after, ZONE, box, [options.side] * 2)
    put([root / pair["img2_path"] for pair in pairs], places, after)
    return before, after


def run_measured(command):
    """Runs a command and returns its seconds and the peak of its memory in MB."""
    start = time.monotonic()
    process = subprocess.Popen([str(word) for word in command])
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"check_map_scene.py: ccexpert-map: exit code {os.waitstatus_to_exitcode(status)}")
    return time.monotonic() - start, usage.ru_maxrss / 1024


def read_layers(path):
    """Returns rows of the layer tiles by their index, and for each polygon of changes its box."""
    package = sqlite3.connect(path)
    tiles = {row[0]: row[1:] for row in package.execute("SELECT tile, score, caption, error FROM tiles")}
    boxes = [struct.unpack("<4d", geometry[8:40]) for (geometry,) in package.execute("SELECT geom FROM changes")]
    return tiles, boxes


def check_found(options, pairs, places, package):
    """Checks the layers against the drawn pairs and prints what was found."""
    columns = -(-options.side // TILE)
    wanted = {row * columns + column: pair for pair, (column, row) in zip(pairs, places)}
    tiles, boxes = read_layers(package)
    if set(tiles) != set(wanted):
        sys.exit(f"check_map_scene.py: expected {len(wanted)} tiles with data, got {len(tiles)}")
    for west, east, south, north in boxes:
        column = int(((west + east) / 2 - LEFT) // (TILE * PIXEL))
        row = int((TOP - (south + north) / 2) // (TILE * PIXEL))
        if row * columns + column not in wanted:
            sys.exit(f"check_map_scene.py: expected changed ground in drawn tiles, got some at {west}, {north}")
    for kind in (True, False):
        mine = [tile for tile, pair in wanted.items() if bool(pair["change_flag"]) == kind]
        captioned = sum(tiles[tile][1] is not None for tile in mine)
        print(f"{'changed' if kind else 'unchanged'} tiles captioned: {captioned} of {len(mine)}")
    print(f"polygons of changed ground: {len(boxes)}")


def clear_tiles(side):
    """Returns the number of tiles in a row that no other tile overlaps: the last one is shifted inside."""
    return side // TILE if side % TILE == 0 else side // TILE - 1


def main():
    options = arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        pairs = drawn_pairs(options, folder / "drawn")
        whole = clear_tiles(options.side)
        spread = random.Random(options.seed).sample(range(whole * whole), len(pairs))
        places = [(place % whole, place // whole) for place in spread]
        before, after = write_scenes(options, pairs, places, folder / "drawn", folder)
        package = folder / "changes.gpkg"
        command = [options.build / "tools/ccexpert-map", "--model", options.model, before, after, "-o", package]
        command += ["--heatmap", folder / "heat.tif", "--min-valid", 0.3, "--quiet"]
        command += ["--register", "correct"] if options.warped else []
        seconds, peak = run_measured(command)
        print(f"{options.side} x {options.side} pixels, {len(pairs)} tiles with data: {peak:.0f} MB, {seconds:.0f} s")
        check_found(options, pairs, places, package)
        if peak > options.most_mb:
            sys.exit(f"check_map_scene.py: expected a peak of at most {options.most_mb:.0f} MB, got {peak:.0f}")


if __name__ == "__main__":
    main()
