"""The small world in which scripts/check_docs.py runs the commands of the documents: the names that they use, as drawn
pairs, lists of them, captions, and the demo model under the names of published ones. Needs neither network nor packages.

Names:
    before.png, after.png, 2018/, 2023/, harbour/           a pair, two folders of pairs, dates of one place
    test.json, val.json, train.json; test.jsonl, test.csv   lists with references; of pairs
    ours.jsonl, baseline.jsonl, other.jsonl, predictions.jsonl    captions of test.json
    LevirCCcaptions.json, LEVIR-CC/, SECOND/                 published data sets
    data/NAME/{train,val,test}.json, data/cc-foundation.yaml    converted ones, and a mix of them
    DIR, MODEL, CCExpert-0.5b, checkpoints/...               models
    before.tif, after.tif, 2018.tif, 2023.tif, clouds.tif, county.gpkg    scenes, if ccexpert-map is built
"""
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import levir_cc

MODELS = ("DIR", "MODEL", "CCExpert-0.5b", "CCExpert-0.5B", "CCExpert-7B")
BASES = ("llava-onevision-qwen2-0.5b-ov", "checkpoints/llava-onevision-qwen2-0.5b-ov", "BASE")
SETS = ("levir-cc", "sysu-cd", "second", "clevr-change", "image-editing-request", "spot-the-diff", "stvchrono", "vismin",
        "changesim", "levir-cd")
SPLITS = ("train", "val", "test")
SIDE = 128  # pixels of a drawn image
METRES = 0.5


def png(path, side, pixel):
    """Writes an RGB image of the colours pixel(x, y)."""
    rows = b"".join(b"\0" + bytes(value for x in range(side) for value in pixel(x, y)) for y in range(side))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def write_lines(path, values):
    path.write_text("".join(json.dumps(value) + "\n" for value in values))


class World:
    def __init__(self, folder, root, build):
        self.folder, self.root, self.build = folder, root, build
        folder.mkdir(parents=True)
        self.tree()
        self.models()
        self.drawn()
        self.lists()
        self.levir_cc()
        self.second()
        if (build / "tools/ccexpert-map").exists():
            self.scenes()

    def environment(self):
        """Variables of a block: the programs of the build come first, and nothing of the caller selects a model."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CCEXPERT_", "OPENAI_"))}
        path = f"{self.build}/tools:{os.environ['PATH']}"
        return {**kept, "PATH": path, "OMP_WAIT_POLICY": "passive"}

    def copy_to(self, folder):
        shutil.copytree(self.folder, folder, symlinks=True)

    def run(self, *command):
        result = subprocess.run(command, cwd=self.folder, env=self.environment(), capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit(f"docs_world.py: {' '.join(map(str, command))}: {result.stderr.strip() or result.stdout.strip()}")

    def tree(self):
        """The checkout, as far as commands name it; blocks may write beside, not into it."""
        for name in ("scripts", "models", "docs", "tests", "third_party", "tools"):
            (self.folder / name).symlink_to(self.root / name)
        shutil.copytree(self.root / "configs", self.folder / "configs")
        (self.folder / "build").mkdir()
        (self.folder / "build/release").symlink_to(self.build)
        for name in ("before", "after"):
            shutil.copy(self.root / f"docs/images/demo/{name}.png", self.folder)

    def models(self):
        demo = self.root / "models/demo"
        base = self.folder.parent / "base"  # without Diff Expert, as published bases are
        self.run(sys.executable, self.root / "scripts/without_diff_expert.py", demo, base)
        for names, source in ((MODELS, demo), (BASES, base)):
            for name in names:
                (self.folder / name).mkdir(parents=True)
                for file in source.iterdir():
                    if file.suffix == ".safetensors":
                        (self.folder / name / file.name).symlink_to(file)
                    else:
                        shutil.copy(file, self.folder / name)

    def drawn(self):
        self.run("ccexpert-data", "synth", "--out", "drawn", "--pairs", "48", "--size", str(SIDE), "--seed", "7",
                 "--train-share", "0.25", "--val-share", "0.6", "--test-share", "0.15")
        self.entries = {split: json.loads((self.folder / f"drawn/{split}.json").read_text()) for split in SPLITS}

    def placed(self, split, prefix):
        """Entries of a split whose paths start at a list in another folder."""
        return [levir_cc.with_paths(entry, Path(prefix) / "drawn") for entry in self.entries[split]]

    def lists(self):
        folder = self.folder
        for split in SPLITS:
            write_json(folder / f"{split}.json", self.placed(split, ""))
            for name in SETS:
                write_json(folder / f"data/{name}/{split}.json", self.placed(split, "../../"))
        lines = "".join(f"  - {{json_path: {name}/train.json}}\n" for name in SETS[:2])
        (folder / "data/cc-foundation.yaml").write_text("datasets:\n" + lines)
        test = self.placed("test", "")
        pairs = [{"uid": entry["uid"], "before": entry["img1_path"], "after": entry["img2_path"]} for entry in test]
        write_lines(folder / "test.jsonl", pairs)
        (folder / "test.csv").write_text("uid,before,after\n" + "".join(",".join(pair.values()) + "\n" for pair in pairs))
        self.predictions(test)
        self.folders(test)

    def predictions(self, test):
        draw = random.Random(7)
        for name in ("ours", "baseline", "other", "predictions"):
            lines = [{"uid": entry["uid"], "pred": draw.choice(entry["change_caption"])} for entry in test]
            if name == "predictions":
                lines = [{**line, "change_caption": entry["change_caption"]} for line, entry in zip(lines, test)]
            write_lines(self.folder / f"{name}.jsonl", lines)

    def folders(self, test):
        for year, key in (("2018", "img1_path"), ("2023", "img2_path")):
            (self.folder / year).mkdir()
            for index, entry in enumerate(test[:3]):
                shutil.copy(self.folder / entry[key], self.folder / year / f"{index}{Path(entry[key]).suffix}")
        (self.folder / "harbour").mkdir()
        for year, key in ((2018, "img1_path"), (2020, "img1_path"), (2023, "img2_path")):
            shutil.copy(self.folder / test[0][key], self.folder / f"harbour/{year}{Path(test[0][key]).suffix}")

    def levir_cc(self):
        images = []
        for split in SPLITS:
            for entry in self.placed(split, ""):
                name = entry["uid"] + Path(entry["img1_path"]).suffix
                for letter, key in (("A", "img1_path"), ("B", "img2_path")):
                    place = self.folder / f"LEVIR-CC/images/{split}/{letter}/{name}"
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(self.folder / entry[key], place)
                images.append({"filepath": split, "filename": name, "split": split, "changeflag": entry["change_flag"],
                               "sentences": [{"raw": text} for text in entry["change_caption"]]})
        for name in ("LevirCCcaptions.json", "LEVIR-CC/LevirCCcaptions.json"):
            write_json(self.folder / name, {"images": images})

    def second(self):
        ground, built, white, green, red = (90, 120, 60), (200, 180, 170), (255,) * 3, (0, 128, 0), (128, 0, 0)
        for index in range(20):
            def inside(x, y, i=index):
                return 2 * i <= x < 2 * i + 20 and i <= y < i + 20
            for kind, outer, inner in (("im1", ground, ground), ("im2", ground, built), ("label1", white, green), ("label2", white, red)):
                # The ground's brightness names the pair: equal images would be found as repeated.
                shade = tuple(max(0, value - 3 * index) for value in outer) if kind.startswith("im") else outer
                png(self.folder / f"SECOND/train/{kind}/{index:05}.png", 64, lambda x, y: inner if inside(x, y) else shade)

    def scenes(self):
        """Two dates of four tiles in UTM 32N, clouds over a corner, and a county around the middle."""
        side = 512 * METRES
        for name, source in (("before", "before"), ("after", "after"), ("2018", "before"), ("2023", "after")):
            self.run("gdal_translate", "-q", "-outsize", "512", "512", "-a_srs", "EPSG:32632", "-a_ullr", "500000", "5500000",
                     str(500000 + side), str(5500000 - side), f"{source}.png", f"{name}.tif")
        self.run("gdal_create", "-q", "-outsize", "512", "512", "-ot", "Byte", "-burn", "0", "-a_srs", "EPSG:32632", "-a_ullr",
                 "500000", "5500000", str(500000 + side), str(5500000 - side), "clouds.tif")
        corners = [[500030, 5499970], [500200, 5499970], [500200, 5499800], [500030, 5499800], [500030, 5499970]]
        write_json(self.folder / "county.geojson", {
            "type": "FeatureCollection", "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32632"}},
            "features": [{"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [corners]}}]})
        self.run("ogr2ogr", "county.gpkg", "county.geojson")
