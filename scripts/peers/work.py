"""The work that all peers do, without PyTorch, so that a peer that does not need it does not load it."""

import json
import time
from pathlib import Path

QUESTION = ("This is the Image1 <image>. This is the second Image2 <image>.\n"
            "What difference happened from Image1 to Image2?")
PROMPT = ("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
          f"{QUESTION}<|im_end|>\n<|im_start|>assistant\n")
SO400M = {"hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16,
          "image_size": 384, "patch_size": 14}
DIFF_EXPERT = {"per_expert_depth": 2, "attention_upsample_rate": 1}
STOP_TOKENS = ("<|im_end|>", "<|endoftext|>")


class Failure(Exception):
    pass


def synchronize(device):
    if device.startswith("cuda"):
        import torch
        torch.cuda.synchronize()


class Clock:
    """Adds the wall time of each stage to `seconds`."""

    def __init__(self, seconds, device="cpu"):
        self.seconds, self.device, self.start = seconds, device, time.perf_counter()

    def skip(self):
        synchronize(self.device)
        now = time.perf_counter()
        elapsed, self.start = now - self.start, now
        return elapsed

    def stop(self, stage):
        elapsed = self.skip()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + elapsed


def config_of(folder):
    return json.loads((Path(folder) / "config.json").read_text())


def open_images(pair):
    from PIL import Image
    return [Image.open(pair[date]).convert("RGB") for date in ("before", "after")]


def pixels_of(images, side):
    """Returns [2,3,side,side] in float32, resized and normalised as SigLIP's processor does."""
    import numpy
    from PIL import Image
    planes = []
    for image in images:
        pixels = numpy.asarray(image.resize((side, side), Image.Resampling.BICUBIC), dtype=numpy.float32)
        planes.append(((pixels * numpy.float32(1 / 255) - 0.5) / 0.5).transpose(2, 0, 1))
    return numpy.stack(planes)


def encoder(folder):
    """Returns a function from text to token ids."""
    if (folder / "tokenizer.json").exists():
        from tokenizers import Tokenizer
        whole = Tokenizer.from_file(str(folder / "tokenizer.json"))
        return lambda text: whole.encode(text, add_special_tokens=False).ids
    import transformers
    parts = transformers.Qwen2Tokenizer.from_pretrained(folder)
    return lambda text: parts(text, add_special_tokens=False)["input_ids"]


def prompt_pieces(encode):
    """Returns the token ids before, between and after both images."""
    return [encode(text) for text in PROMPT.split("<image>")]


def greedy(logits, step, count, stop_ids, clock):
    """Returns `count` token ids and the sum of their log-probabilities. `logits` [V] are those of the prompt, float32;
    `step` maps a token to the next. End tokens are never chosen."""
    import numpy
    clock.stop("prefill")
    ids, total = [], 0.0
    for number in range(count):
        if number > 0:
            logits = step(ids[-1])
        values = numpy.array(logits, dtype=numpy.float32)
        largest = values.max()
        normaliser = largest + numpy.log(numpy.exp(values - largest).sum(dtype=numpy.float64))
        allowed = values.copy()
        allowed[stop_ids] = -numpy.inf
        ids.append(int(allowed.argmax()))
        total += float(values[ids[-1]] - normaliser)
    clock.stop("decode")
    return ids, total
