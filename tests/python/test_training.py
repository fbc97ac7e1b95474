"""ccexpert.train, convert and map: what a run calls, how it stops, and the files that it leaves."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

numpy = pytest.importorskip("numpy")
ccexpert = pytest.importorskip("ccexpert")

ROOT = Path(__file__).resolve().parent.parent.parent
IMAGES = ROOT / "docs" / "images" / "demo"


@pytest.fixture
def images(tmp_path):
    """A user's folder with two pairs."""
    for side in ("before", "after"):
        (tmp_path / "images" / side).mkdir(parents=True)
        for name in ("one.png", "two.png"):
            shutil.copy(IMAGES / f"{side}.png", tmp_path / "images" / side / name)
    (tmp_path / "images" / "captions.csv").write_text(
        "name,caption,split\none.png,many houses are built .,train\ntwo.png,a road appears .,val\n")
    return tmp_path / "images"


@pytest.fixture
def config(tmp_path, images):
    lists = ccexpert.convert(images, tmp_path / "lists").folder
    return {
        "output": str(tmp_path / "run"), "device": "cpu", "threads": 1,
        "model": {"start": str(ROOT / "tests" / "golden" / "checkpoint-tiny"), "dtype": "float32", "recompute": False},
        "data": {"train": str(lists / "train.json"), "validation": str(lists / "val.json"), "workers": 1,
                 "captions": "random_choice"},
        "batch": {"global": 1, "micro": 1, "max_steps": 3},
        "checkpoint": {"every_steps": 0},
        "evaluation": {"metric": "loss"}}


class Seen(ccexpert.Callback):
    def __init__(self, last=None):
        self.steps, self.evaluations, self.notes, self.last = [], [], [], last

    def on_step(self, entry):
        self.steps.append(entry)
        return entry["step"] != self.last

    def on_evaluation(self, entry):
        self.evaluations.append(entry)

    def on_note(self, text):
        self.notes.append(text)


def test_a_conversion_counts_its_pairs(tmp_path, images):
    read = []
    made = ccexpert.convert(images, tmp_path / "out", format="jsonl", on_progress=read.append)
    assert (made.source, made.folder, made.left_out) == ("folders", tmp_path / "out", 0)
    assert made.splits["train"] == {"pairs": 1, "captions": 1, "changed": 1, "unchanged": 0}
    assert sum(read) == 2 and (tmp_path / "out" / "train.jsonl").is_file()
    assert "levir-cc" in [source.name for source in ccexpert.sources()]
    with pytest.raises(ccexpert.Error, match=r"options: expected names of options, got crop_sides \(did you mean crop_side"):
        ccexpert.convert(images, tmp_path / "more", crop_sides=3)
    with pytest.raises(ZeroDivisionError):
        ccexpert.convert(images, tmp_path / "ended", on_progress=lambda entries: 1 / 0)


def test_a_run_calls_its_callbacks_with_its_log(tmp_path, config):
    seen, entries = Seen(), []
    (stage,) = ccexpert.train(config, callbacks=[seen, entries.append], quiet=True)
    assert (stage.finished, stage.output, stage.best.name) == (True, tmp_path / "run", "best")
    assert [entry["step"] for entry in seen.steps] == [1, 2, 3]
    assert [entry["step"] for entry in seen.evaluations] == [1, 2, 3] and seen.notes
    assert seen.steps[0]["loss"] > 0 and seen.evaluations[-1]["metric"] == "loss"
    assert entries == [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert ccexpert.Captioner.load(stage.last, device="cpu", threads=1).question


def test_a_stopped_run_continues(config):
    (stage,) = ccexpert.train(config, callbacks=[Seen(last=1)], quiet=True)
    assert not stage.finished and stage.last is not None
    seen = Seen()
    (stage,) = ccexpert.train(config, overrides={"batch.max_steps": 4}, callbacks=[seen], quiet=True)
    assert stage.finished and seen.steps[0]["step"] > 1 and seen.steps[-1]["step"] == 4


def test_an_exception_of_a_callback_ends_the_run(config):
    def refuse(entry):
        if entry["event"] == "step":
            raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        ccexpert.train(config, callbacks=[refuse], quiet=True)
    assert (Path(config["output"]) / "last").exists()


def test_ctrl_c_leaves_a_checkpoint(tmp_path, config):
    config["batch"]["max_steps"] = 100000
    (tmp_path / "config.json").write_text(json.dumps(config))
    code = f"""
import os, signal, ccexpert
def interrupt(entry):
    if entry["event"] == "step" and entry["step"] == 2:
        os.kill(os.getpid(), signal.SIGINT)
try:
    ccexpert.train({str(tmp_path / "config.json")!r}, callbacks=[interrupt], quiet=True)
except KeyboardInterrupt:
    print("interrupted")
"""
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert (made.returncode, made.stdout, made.stderr) == (0, "interrupted\n", "")
    assert (tmp_path / "run" / "last" / "config.json").is_file()


def test_errors_of_a_config_name_its_key(config):
    config["batch"]["mirco"] = 1
    with pytest.raises(ccexpert.Error) as caught:
        ccexpert.train(config)
    assert str(caught.value) == "config: batch.mirco: unknown key"
    with pytest.raises(ccexpert.Error, match="override batch.micro=0: expected at least 1, got 0"):
        ccexpert.train({**config, "batch": {}}, overrides={"batch.micro": 0})


def test_metrics_are_reachable():
    pytest.importorskip("ccexpert_metrics")
    assert ccexpert.score(["a road"], [["a road"]], meteor=False)["BLEU-1"] == pytest.approx(1)
    with pytest.raises(ccexpert.Error, match="references: expected one list"):
        ccexpert.score(["a road"], [], meteor=False)
    assert set(ccexpert.__all__) <= set(dir(ccexpert)) and all(hasattr(ccexpert, name) for name in ccexpert.__all__)
    with pytest.raises(AttributeError, match="module 'ccexpert' has no attribute 'scores'"):
        ccexpert.scores


def test_without_ccexpert_metrics_only_scores_are_missing(tmp_path):
    code = """
import sys
sys.modules["ccexpert_metrics"] = None
import ccexpert
print(issubclass(ccexpert.Error, Exception))
ccexpert.score
"""
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert made.stdout == "True\n" and made.stderr.endswith(
        "ImportError: ccexpert.score: expected the package ccexpert-metrics (pip install ccexpert-metrics)\n")


def ccexpert_command(*arguments):
    return subprocess.run([sys.executable, "-m", "ccexpert", *map(str, arguments)], capture_output=True, text=True,
                          timeout=100)


def test_the_command_captions_converts_and_names_errors(tmp_path, images):
    captioner = ccexpert.Captioner.load(device="cpu", threads=1)
    pair = IMAGES / "before.png", IMAGES / "after.png"
    made = ccexpert_command("caption", *pair, "--device", "cpu", "--threads", 1, "--json", "--locate", "--set", "beams=2")
    caption = captioner.caption(*pair, beams=2, locate=True)
    assert json.loads(made.stdout)["text"] == caption.text and json.loads(made.stdout)["score"] == caption.change.score
    made = ccexpert_command("convert", images, tmp_path / "out", "--set", "format=jsonl")
    assert made.stdout == "train: 1 pairs, 1 captions\nval: 1 pairs, 1 captions\n" and made.returncode == 0
    made = ccexpert_command("caption", tmp_path / "none.png", pair[1], "--device", "cpu")
    assert (made.returncode, made.stderr) == (
        1, f"ccexpert: {tmp_path}/none.png: cannot be opened (No such file or directory)\n")


@pytest.fixture
def map_program(tmp_path, monkeypatch):
    """A program in place of ccexpert-map, which writes its arguments as the layer."""
    program = tmp_path / "ccexpert-map"
    program.write_text(f"""#!{sys.executable}
import json, sys
output = sys.argv[sys.argv.index("--output") + 1]
for name in (output, output.replace(".geojson", ".changes.geojson")):
    open(name, "w").write(json.dumps({{"type": "FeatureCollection", "features": [], "arguments": sys.argv[1:]}}))
if sys.argv[-1] == "bad.tif":
    sys.exit("ccexpert-map: bad.tif: cannot be opened")
if sys.argv[-1] == "half.tif":
    print("ccexpert-map: 1 of 2 tiles failed", file=sys.stderr)
    sys.exit(3)
""")
    program.chmod(0o755)
    monkeypatch.setenv("CCEXPERT_MAP_PROGRAM", str(program))
    # Without geopandas, which cannot read this layer.
    monkeypatch.setattr(ccexpert._map, "_has_geopandas", lambda: False)


def test_a_map_passes_its_options_to_the_program(tmp_path, map_program):
    layer = ccexpert.map("a.tif", "b.tif", tmp_path / "map.geojson", tile="128m", bands=(3, 2, 1), mask=["x.tif", "y.tif"],
                         check_swap=True, resume=False, threshold=0.2)
    assert layer["arguments"][2:] == ["--output", str(tmp_path / "map.geojson"), "--quiet", "--tile", "128m", "--bands",
                                      "3,2,1", "--mask", "x.tif", "--mask", "y.tif", "--check-swap", "--threshold", "0.2",
                                      "--", "a.tif", "b.tif"]
    tiles, changes = ccexpert.map("a.tif", "b.tif", layer=("tiles", "changes"))
    assert tiles["arguments"][3].endswith("map.geojson") and changes == tiles
    assert not Path(tiles["arguments"][3]).exists()
    with pytest.raises(ccexpert.Error, match="^bad.tif: cannot be opened$"):
        ccexpert.map("a.tif", "bad.tif")
    with pytest.warns(UserWarning, match="1 of 2 tiles failed"):
        ccexpert.map("a.tif", "half.tif")
    with pytest.raises(ccexpert.Error, match="layer: expected tiles or changes, got tile"):
        ccexpert.map("a.tif", "b.tif", layer="tile")


def test_ctrl_c_ends_the_program_of_a_map(tmp_path, monkeypatch):
    program, ended = tmp_path / "ccexpert-map", tmp_path / "ended"
    program.write_text(f"""#!{sys.executable}
import pathlib, sys, time
try:
    print("ready", file=sys.stderr, flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    pathlib.Path({str(ended)!r}).touch()
""")
    program.chmod(0o755)
    monkeypatch.setenv("CCEXPERT_MAP_PROGRAM", str(program))

    class Interrupt:
        def write(self, line):
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(sys, "stderr", Interrupt())
    with pytest.raises(KeyboardInterrupt):
        ccexpert.map("a.tif", "b.tif", quiet=False)
    assert ended.exists()


def test_a_map_without_the_program_names_it(monkeypatch):
    monkeypatch.delenv("CCEXPERT_MAP_PROGRAM", raising=False)
    monkeypatch.setenv("PATH", "/none")
    with pytest.raises(ccexpert.Error, match="ccexpert-map: expected on PATH or in CCEXPERT_MAP_PROGRAM") as caught:
        ccexpert.map("a.tif", "b.tif")
    assert caught.value.kind == "missing"


def raster(folder, side):
    """Writes a VRT that gives an image of the demo pair a position."""
    bands = "".join(f"""<VRTRasterBand dataType="Byte" band="{i}"><SimpleSource><SourceBand>{i}</SourceBand>
        <SourceFilename>{IMAGES}/{side}.png</SourceFilename></SimpleSource></VRTRasterBand>""" for i in (1, 2, 3))
    height, width, _ = ccexpert._images.pixels_of(IMAGES / f"{side}.png").shape
    (folder / f"{side}.vrt").write_text(f"""<VRTDataset rasterXSize="{width}" rasterYSize="{height}">
        <SRS>EPSG:32650</SRS><GeoTransform>500000, 0.5, 0, 4000000, 0, -0.5</GeoTransform>{bands}</VRTDataset>""")
    return folder / f"{side}.vrt"


def test_a_map_of_real_rasters(tmp_path):
    if "CCEXPERT_MAP_PROGRAM" not in os.environ:
        pytest.skip("CCEXPERT_MAP_PROGRAM does not name the command")
    before, after = raster(tmp_path, "before"), raster(tmp_path, "after")
    layer = ccexpert.map(before, after, device="cpu", threads=1, all=True)
    if isinstance(layer, dict):
        captions = [feature["properties"]["caption"] for feature in layer["features"]]
    else:
        captions = list(layer["caption"])
        assert layer.crs.to_epsg() == 32650
    captioner = ccexpert.Captioner.load(device="cpu", threads=1)
    assert captions == [captioner.caption(IMAGES / "before.png", IMAGES / "after.png").text]
    with pytest.raises(ccexpert.Error, match="none.vrt"):
        ccexpert.map(before, tmp_path / "none.vrt")
