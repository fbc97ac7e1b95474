"""ccexpert.Captioner with the demo model: captions of every kind of image, errors, threads, streams."""

import gc
import os
import pickle
import shutil
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import pytest

numpy = pytest.importorskip("numpy")
ccexpert = pytest.importorskip("ccexpert")

IMAGES = Path(__file__).resolve().parent.parent.parent / "docs" / "images" / "demo"
BEFORE, AFTER = IMAGES / "before.png", IMAGES / "after.png"


@pytest.fixture(scope="module")
def captioner():
    return ccexpert.Captioner.load(device="cpu", threads=1)


@pytest.fixture(scope="module")
def arrays():
    return tuple(ccexpert._images.pixels_of(file) for file in (BEFORE, AFTER))


@pytest.fixture(scope="module")
def text(captioner):
    return captioner.caption(BEFORE, AFTER).text


def test_the_caption_is_that_of_the_command(text):
    command = os.environ.get("CCEXPERT_CAPTION")
    if command is None:
        pytest.skip("CCEXPERT_CAPTION does not name the command")
    made = subprocess.run([command, "--quiet", "--device", "cpu", BEFORE, AFTER], capture_output=True, text=True)
    assert made.stdout == text + "\n"


def test_files_arrays_windows_and_channels_first_are_the_same(captioner, arrays, text):
    before, after = arrays
    height, width, _ = before.shape
    large = numpy.zeros((height + 9, width + 20, 3), numpy.uint8)
    large[5:5 + height, 7:7 + width] = before
    window = large[5:5 + height, 7:7 + width]
    assert ccexpert._images.pixels_of(window) is window
    for image in (before, window, before.transpose(2, 0, 1), before[::-1][::-1], str(BEFORE)):
        assert captioner.caption(image, after).text == text


def test_images_of_pillow_are_the_same(captioner, arrays, text):
    image = pytest.importorskip("PIL.Image")
    before, after = image.open(BEFORE), image.open(AFTER).convert("RGBA")
    assert captioner.caption(before, after).text == text


def import_torch():
    try:
        import torch
    except Exception as problem:  # LibTorch alone is no module
        pytest.skip(f"torch cannot be imported: {problem}")
    return torch


def test_tensors_are_the_same_and_read_in_place(captioner, arrays, text):
    torch = import_torch()
    before = torch.from_numpy(arrays[0].copy())
    assert ccexpert._images.pixels_of(before).ctypes.data == before.data_ptr()
    assert captioner.caption(before, torch.from_numpy(arrays[1].copy()).permute(2, 0, 1)).text == text
    code = f"import torch, ccexpert; print(ccexpert.Captioner.load(device='cpu').caption({str(BEFORE)!r}, {str(AFTER)!r}))"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert made.stdout == text + "\n", made.stderr


# A name of its own for libgomp would load a second one beside that of LibTorch.
@pytest.mark.parametrize("modules", ["ccexpert", "torch, ccexpert"])
def test_one_runtime_of_openmp_is_loaded(modules, text):
    if "torch" in modules:
        import_torch()
    code = f"""
import {modules}, re
print(ccexpert.Captioner.load(device="cpu").caption({str(BEFORE)!r}, {str(AFTER)!r}))
print(len(set(re.findall("/.*lib(?:g|i|)omp[^/]*[.]so.*", open("/proc/self/maps").read()))))
"""
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert made.stdout == text + "\n1\n", made.stderr


def test_a_batch_is_its_pairs(captioner, arrays):
    before, after = arrays
    pairs = [(before, after), (after, before), (before, before)]
    batch = captioner.captions(pairs, batch_size=2)
    alone = [captioner.caption(*pair) for pair in pairs]
    assert [each.text for each in batch] == [each.text for each in alone]
    assert [each.logprob for each in batch] == pytest.approx([each.logprob for each in alone], abs=1e-4)


def test_a_stream_is_the_caption_and_can_be_left(captioner, arrays, text):
    assert "".join(captioner.stream(*arrays)) == text
    stream = captioner.stream(*arrays, min_new_tokens=60)
    assert text.startswith(next(stream))
    stream.close()
    with pytest.raises(ccexpert.Error):
        list(captioner.stream(BEFORE, "none.png"))


def test_beams_of_the_checkpoint_are_used(tmp_path, arrays, captioner):
    model = tmp_path / "model"
    shutil.copytree(Path(ccexpert.__file__).parent / "models" / "demo", model)
    (model / "generation_config.json").write_text('{"num_beams": 2}')
    beams = ccexpert.Captioner.load(model, device="cpu", threads=1)
    assert beams.caption(*arrays).text == captioner.caption(*arrays, beams=2).text


def test_maps_are_arrays_over_the_image(captioner, arrays):
    caption = captioner.caption(*arrays, locate=True, words=True, check_swap=True)
    grid = caption.change.map.shape[0]
    assert caption.change.map.shape == (grid, grid) and caption.change.map.dtype == numpy.float32
    assert 0 <= caption.change.map.min() and caption.change.map.max() <= 1
    assert " ".join(word for word, _ in caption.words).split() == caption.text.split()
    assert max(each.map.max() for each in caption.words) == 1
    assert caption.unsure in (True, False)
    (located,) = captioner.locate([arrays])
    assert located.score == pytest.approx(caption.change.score) and numpy.array_equal(located.map, caption.change.map)


def test_maps_outlive_the_caption(captioner, arrays):
    change = captioner.locate([arrays])[0].map
    copy = change.copy()
    gc.collect()
    captioner.caption(*arrays)
    assert numpy.array_equal(change, copy)


def test_heatmaps_overlays_and_polygons_have_the_pixels_of_the_image(captioner, arrays):
    caption = captioner.caption(*arrays, locate=True, words=True)
    height, width, _ = arrays[0].shape
    heatmap = caption.change.heatmap(arrays[1])
    assert heatmap.shape == (height, width) and heatmap.dtype == numpy.float32
    assert numpy.array_equal(heatmap, caption.change.heatmap((height, width)))
    assert 0 <= heatmap.min() and heatmap.max() <= caption.change.map.max()
    shown = caption.change.overlay(BEFORE)
    assert shown.shape == (height, width, 3) and shown.dtype == numpy.uint8
    still = numpy.asarray(heatmap == 0)
    assert numpy.array_equal(shown[still], arrays[0][still]) and not numpy.array_equal(shown, arrays[0])
    outline, *holes = caption.change.polygons((height, width), tolerance=0)[0]
    area = sum(x * v - u * y for (x, y), (u, v) in zip(outline, outline[1:] + outline[:1])) / 2
    assert 0 < abs(area) <= (heatmap >= 0.5).sum() + sum(map(len, holes)) * height * width
    assert caption.change.polygons(arrays[0], smallest=height * width + 1) == []
    assert caption.words[0].heatmap(arrays[0]).shape == (height, width)


def test_minimum_bayes_risk_and_beams_end_by_ctrl_c():
    code = f"""
import os, signal, threading, time, ccexpert
captioner = ccexpert.Captioner.load(device="cpu", threads=1)
pair = ({str(BEFORE)!r}, {str(AFTER)!r})
assert captioner.caption(*pair, mbr=2, max_new_tokens=4).text
for options in ({{"beams": 4}}, {{"mbr": 4}}):
    start = time.monotonic()
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    try:
        captioner.captions([pair] * 8, min_new_tokens=4000, max_new_tokens=4000, **options)
    except KeyboardInterrupt:
        print("interrupted", time.monotonic() - start < 10)
signal.signal(signal.SIGINT, lambda *_: print("handled"))
threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
print(captioner.caption(*pair, beams=2, min_new_tokens=400, max_new_tokens=400).finish)
"""
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert (made.returncode, made.stdout) == (0, "interrupted True\ninterrupted True\nhandled\nlength\n"), made.stderr


def test_a_fork_captions_too(captioner, arrays, text):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, captioner.caption(*arrays).text.encode())
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader) as file:
        assert file.read() == text
    os.waitpid(child, 0)


def test_results_and_errors_are_pickled_and_a_captioner_refuses(captioner, arrays):
    caption = captioner.caption(*arrays, locate=True, words=True)
    again = pickle.loads(pickle.dumps(caption))
    assert again == caption and again.change == caption.change and again.words == caption.words
    assert again != captioner.caption(*arrays) and again.words[0] != caption.words[1]
    with pytest.raises(ccexpert.Error) as caught:
        captioner.caption(*arrays, beams=0)
    error = pickle.loads(pickle.dumps(caught.value))
    assert (type(error), str(error), error.kind) == (ccexpert.Error, str(caught.value), "input")
    with pytest.raises(TypeError, match="Captioner: expected to be loaded in each process"):
        pickle.dumps(captioner)


def test_calls_keep_no_references(captioner, arrays):
    def call():
        captioner.caption(*arrays, locate=True, max_new_tokens=2)
        list(captioner.stream(*arrays, max_new_tokens=2))
        with pytest.raises(ccexpert.Error):
            captioner.caption(*arrays, beams=0)

    call()
    gc.collect()
    objects = [*arrays, captioner._native, ccexpert.Error, None, True, False]
    before, count = [sys.getrefcount(each) for each in objects], len(gc.get_objects())
    for _ in range(8):
        call()
    gc.collect()
    after = [sys.getrefcount(each) for each in objects]
    # None, True and False are also counted by the interpreter's own work.
    assert all(abs(x - y) < 8 for x, y in zip(before, after)) and len(gc.get_objects()) - count < 50


def test_a_cycle_with_a_captioner_is_collected_and_nothing_is_reported_at_the_end():
    code = """
import gc, weakref, ccexpert
captioner = ccexpert.Captioner.load(device="cpu", threads=1)
captioner.me = [captioner]
gone = weakref.ref(captioner)
del captioner
gc.collect()
print(gone())
kept = ccexpert.Captioner.load(device="cpu", threads=1)
kept.me = kept
"""
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (made.returncode, made.stdout, made.stderr) == (0, "None\n", "")


def test_threads_get_the_same(captioner, arrays, text):
    found = []
    threads = [threading.Thread(target=lambda: found.append(captioner.caption(*arrays).text)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [text] * 4


def test_other_threads_run_during_a_caption(captioner, arrays):
    ran, done = [], threading.Event()

    def count():
        while not done.is_set():
            ran.append(1)
            done.wait(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    captioner.captions([arrays] * 8)
    done.set()
    thread.join()
    assert len(ran) > 3


def test_ctrl_c_ends_a_call():
    code = f"""
import os, signal, threading, ccexpert
captioner = ccexpert.Captioner.load(device="cpu", threads=1)
pair = {str(BEFORE)!r}, {str(AFTER)!r}
threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    while True:
        captioner.captions([pair] * 4, min_new_tokens=200, max_new_tokens=200)
except KeyboardInterrupt:
    print("interrupted")
"""
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (made.returncode, made.stdout) == (0, "interrupted\n")


def test_a_captioner_is_freed():
    captioner = ccexpert.Captioner.load(device="cpu", threads=1)
    list(captioner.stream(BEFORE, AFTER))
    gone = weakref.ref(captioner)
    del captioner
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("call, kind, text", [
    (lambda c: c.caption(BEFORE, AFTER, max_new_token=3), "input",
     "options: expected names of options, got max_new_token (did you mean max_new_tokens?)"),
    (lambda c: c.caption(BEFORE, AFTER, max_new_tokens=0), "input", "max_new_tokens: expected 1 to 100000, got 0"),
    (lambda c: c.caption(BEFORE, AFTER, seed="x"), "input", "seed: expected a number, got x"),
    (lambda c: c.caption("none.png", AFTER), "missing", "none.png: cannot be opened (No such file or directory)"),
    (lambda c: c.caption(numpy.zeros((4, 4, 3)), AFTER), "input",
     "image: expected pixels of uint8, got float64 (scale it to 0 to 255 first)"),
    (lambda c: c.caption(numpy.zeros((4, 4), numpy.uint8), AFTER), "input",
     "image: expected the shape [H,W,3], got [4, 4]"),
    (lambda c: c.captions([(BEFORE,)]), "input", "pair: expected two images, got 1"),
    (lambda c: c.captions([], batch_size=0), "input", "batch_size: expected at least 1, got 0"),
    (lambda c: ccexpert.Captioner.load(dtype="int9"), "input",
     "dtype: expected standard, auto, bfloat16, float16, float32 or int8, got int9"),
    (lambda c: ccexpert.Captioner.load("/none"), "input", "/none: expected a checkpoint folder, got nothing there"),
])
def test_errors_are_one_sentence_with_a_kind(captioner, call, kind, text):
    with pytest.raises(ccexpert.Error) as caught:
        call(captioner)
    assert (caught.value.kind, str(caught.value)) == (kind, text)
