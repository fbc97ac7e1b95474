#!/usr/bin/env python3
"""Writes a CCExpert checkpoint of random weights, in the authors' layout: for speed and memory, not for captions.

    scripts/make_random_checkpoint.py --size 0.5b --tokenizer QWEN2-FOLDER --out random-0.5b
    scripts/make_random_checkpoint.py --size tiny --out random-tiny

Names, shapes and config.json are those of a released checkpoint (--size 0.5b, 7b) or of tests/golden/checkpoint-tiny
(--size tiny). Weights are N(0, 0.02), norms 1, biases 0, so that no activation overflows in any precision. A tensor's
values depend only on --seed and its name. A full size needs the files of the Qwen2 tokenizer (vocab.json and
merges.txt, or tokenizer.json). Needs numpy; memory stays below that of the largest tensor.
"""

import argparse
import json
import math
import os
import shutil
import struct
import sys
import tempfile
import zlib
from pathlib import Path

try:
    import numpy as np
except ImportError:
    sys.exit("make_random_checkpoint.py: needs the Python package numpy")

REPOSITORY = Path(__file__).resolve().parent.parent
TINY_TOKENIZER = REPOSITORY / "tests" / "golden" / "checkpoint-tiny"
TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json", "added_tokens.json",
                   "special_tokens_map.json", "chat_template.jinja")
DEVIATION = 0.02
CHUNK = 1 << 22  # values drawn at once
BYTES = {"bfloat16": 2, "float32": 4}
SAFETENSORS_DTYPE = {"bfloat16": "BF16", "float32": "F32"}

SO400M = {"hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16,
          "image_size": 384, "patch_size": 14}
TINY_VISION = {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 6, "num_attention_heads": 2,
               "image_size": 84, "patch_size": 14, "model_type": "siglip_vision_model", "layer_norm_eps": 1e-06,
               "hidden_act": "gelu_pytorch_tanh"}


def qwen2(vocab, hidden, inner, layers, heads, kv_heads, tied):
    return {"hidden_act": "silu", "rms_norm_eps": 1e-06, "vocab_size": vocab, "hidden_size": hidden,
            "intermediate_size": inner, "num_hidden_layers": layers, "num_attention_heads": heads,
            "num_key_value_heads": kv_heads, "rope_theta": 1000000.0, "tie_word_embeddings": tied}


DECODERS = {"tiny": qwen2(512, 64, 128, 2, 4, 2, False), "0.5b": qwen2(151936, 896, 4864, 24, 14, 2, True),
            "7b": qwen2(152064, 3584, 18944, 28, 28, 4, False)}


class Failure(Exception):
    pass


def make_config(size, decoder, dtype):
    """Returns config.json as released: full sizes have no vision config and only two of the Diff Expert's values."""
    tiny = size == "tiny"
    expert = {"downsample_ratio": 1, "per_expert_depth": 2}
    if tiny:
        expert |= {"embedding_dim": 128, "mlp_dim": 512, "attention_upsample_rate": 1}
    config = {"architectures": ["LlavaQwenCCForCausalLM"], "model_type": "llava_qwen_cc",
              "mm_vision_tower": "google/siglip-so400m-patch14-384", "mm_hidden_size": vision_of(size)["hidden_size"],
              "mm_vision_select_layer": "[-6, -5, -3, -2]" if tiny else "[-11, -8, -5, -2]",
              "mm_vision_select_feature": "patch", "mm_projector_type": "mlp2x_gelu", "mm_patch_merge_type": "flat",
              "image_aspect_ratio": "square", "mm_resampler_type": "cc_expert", "cc_expert_args": expert}
    if tiny:
        config["vision_config"] = TINY_VISION
    return config | decoder | {"torch_dtype": dtype}


def vision_of(size):
    return TINY_VISION if size == "tiny" else SO400M


def linear(name, rows, columns, bias=True):
    yield f"{name}.weight", (rows, columns)
    if bias:
        yield f"{name}.bias", (rows,)


def norm(name, width):
    yield f"{name}.weight", (width,)
    yield f"{name}.bias", (width,)


def vision_tensors(vision):
    prefix = "model.vision_tower.vision_tower.vision_model."
    width, inner, patch = vision["hidden_size"], vision["intermediate_size"], vision["patch_size"]
    yield prefix + "embeddings.patch_embedding.weight", (width, 3, patch, patch)
    yield prefix + "embeddings.patch_embedding.bias", (width,)
    yield prefix + "embeddings.position_embedding.weight", ((vision["image_size"] // patch) ** 2, width)
    for layer in range(vision["num_hidden_layers"]):
        block = f"{prefix}encoder.layers.{layer}."
        yield from norm(block + "layer_norm1", width)
        for part in ("q", "k", "v", "out"):
            yield from linear(f"{block}self_attn.{part}_proj", width, width)
        yield from norm(block + "layer_norm2", width)
        yield from linear(block + "mlp.fc1", inner, width)
        yield from linear(block + "mlp.fc2", width, inner)
    yield from norm(prefix + "post_layernorm", width)


def diff_expert_tensors(width, depth):
    prefix = "model.vision_resampler."
    yield from linear(prefix + "expert_change_feature_extractor_model.linear_mapping", width, 2 * width)
    yield from linear(prefix + "expert_change_feature_extractor_model.proj", width, 3 * width)
    for layer in range(depth):
        block = f"{prefix}layers.{layer}."
        for attention in ("change_self_attn", "cross_attn_change_to_imageABC", "cross_attn_imageAB_to_change"):
            for part in ("q", "k", "v", "out"):
                yield from linear(f"{block}{attention}.{part}_proj", width, width)
        for number in (1, 2, 3, 4):
            yield from norm(f"{block}norm{number}", width)
        yield from linear(block + "mlp.lin1", 4 * width, width)
        yield from linear(block + "mlp.lin2", width, 4 * width)
        for flag in ("image_a", "image_b", "change"):
            yield f"{block}{flag}_flag_embed.weight", (1, width)
    reduce = prefix + "ChangeAwareTokenReduce."
    yield from linear(reduce + "feature_map_level_gate.0", width, 3 * width)
    yield from linear(reduce + "feature_map_level_gate.2", 1, width)
    # Stored by the reference but never used.
    yield from linear(reduce + "change_for_key_proj", width, width)
    yield reduce + "cross_attn.in_proj_weight", (3 * width, width)
    yield reduce + "cross_attn.in_proj_bias", (3 * width,)
    yield from linear(reduce + "cross_attn.out_proj", width, width)


def decoder_tensors(decoder):
    width, inner, rows = decoder["hidden_size"], decoder["intermediate_size"], decoder["vocab_size"]
    kv_width = width // decoder["num_attention_heads"] * decoder["num_key_value_heads"]
    yield "model.embed_tokens.weight", (rows, width)
    for layer in range(decoder["num_hidden_layers"]):
        block = f"model.layers.{layer}."
        yield block + "input_layernorm.weight", (width,)
        yield from linear(block + "self_attn.q_proj", width, width)
        yield from linear(block + "self_attn.k_proj", kv_width, width)
        yield from linear(block + "self_attn.v_proj", kv_width, width)
        yield from linear(block + "self_attn.o_proj", width, width, bias=False)
        yield block + "post_attention_layernorm.weight", (width,)
        yield from linear(block + "mlp.gate_proj", inner, width, bias=False)
        yield from linear(block + "mlp.up_proj", inner, width, bias=False)
        yield from linear(block + "mlp.down_proj", width, inner, bias=False)
    yield "model.norm.weight", (width,)
    if not decoder["tie_word_embeddings"]:
        yield from linear("lm_head", rows, width, bias=False)


def all_tensors(size, decoder):
    vision = vision_of(size)
    tensors = dict(vision_tensors(vision))
    tensors |= diff_expert_tensors(vision["hidden_size"], 2)
    for projector in ("mm_projector", "mm_cc_projector"):
        tensors |= linear(f"model.{projector}.0", decoder["hidden_size"], vision["hidden_size"])
        tensors |= linear(f"model.{projector}.2", decoder["hidden_size"], decoder["hidden_size"])
    if size == "tiny":
        tensors["model.image_newline"] = (decoder["hidden_size"],)
    return tensors | dict(decoder_tensors(decoder))


def is_norm_weight(name):
    owner = name.removesuffix(".weight").rpartition(".")[2]
    return name.endswith(".weight") and "norm" in owner


def is_bias(name):
    return name.endswith("bias")


def encode(values, dtype):
    """Returns float32 values as the bytes of `dtype`; bfloat16 rounds to nearest, ties to even."""
    if dtype == "float32":
        return values.astype("<f4", copy=False).tobytes()
    bits = values.view(np.uint32)
    bits += np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    return (bits >> np.uint32(16)).astype("<u2").tobytes()


def tensor_bytes(name, shape, args):
    """Yields the values of one tensor in pieces, so that memory does not grow with its size."""
    random = np.random.Generator(np.random.SFC64([args.seed, zlib.crc32(name.encode())]))
    left, piece = math.prod(shape), None
    while left > 0:
        count = min(left, CHUNK)
        if args.repeat_values and piece is not None:
            yield piece[:count * BYTES[args.dtype]]
            left -= count
            continue
        if is_bias(name) or is_norm_weight(name):
            values = np.full(count, 0.0 if is_bias(name) else 1.0, dtype=np.float32)
        else:
            values = random.standard_normal(count, dtype=np.float32) * np.float32(DEVIATION)
        piece = encode(values, args.dtype)
        yield piece
        left -= count


def split_shards(tensors, dtype, limit):
    """Returns names in groups of at most `limit` bytes (a larger tensor has its own group)."""
    shards, used = [[]], 0
    for name, shape in tensors.items():
        size = math.prod(shape) * BYTES[dtype]
        if shards[-1] and used + size > limit:
            shards.append([])
            used = 0
        shards[-1].append(name)
        used += size
    return shards


class Progress:
    """Reports progress in one line on a terminal; otherwise one line per tenth."""

    def __init__(self, total):
        self.total, self.done, self.said = total, 0, -1
        self.terminal = sys.stderr.isatty()

    def add(self, count):
        self.done += count
        percent = 100 * self.done // self.total
        if percent == self.said or (not self.terminal and percent % 10):
            return
        self.said = percent
        line = f"{percent:3d} %  {self.done / 1e9:.2f} of {self.total / 1e9:.2f} GB"
        end = "\n" if not self.terminal or self.done == self.total else ""
        print(("\r" if self.terminal else "") + line, end=end, file=sys.stderr, flush=True)


def write_shard(path, names, tensors, args, progress):
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name in names:
        size = math.prod(tensors[name]) * BYTES[args.dtype]
        header[name] = {"dtype": SAFETENSORS_DTYPE[args.dtype], "shape": list(tensors[name]),
                        "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in names:
            for piece in tensor_bytes(name, tensors[name], args):
                file.write(piece)
                progress.add(len(piece))


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n")


def write_checkpoint(folder, args, decoder, tensors):
    total = sum(math.prod(shape) for shape in tensors.values()) * BYTES[args.dtype]
    free = shutil.disk_usage(folder).free
    if total > free:
        raise Failure(f"{folder}: expected {total / 1e9:.1f} GB of free space, got {free / 1e9:.1f} GB")
    shards = split_shards(tensors, args.dtype, args.shard_gb * 1e9)
    progress, weight_map = Progress(total), {}
    for number, names in enumerate(shards, 1):
        file = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        write_shard(folder / file, names, tensors, args, progress)
        weight_map |= dict.fromkeys(names, file)
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))}
    write_json(folder / "model.safetensors.index.json", index)
    write_json(folder / "config.json", make_config(args.size, decoder, args.dtype))
    for name in TOKENIZER_FILES:
        if (args.tokenizer / name).is_file():
            shutil.copyfile(args.tokenizer / name, folder / name)
    return total


def check(args):
    if args.tokenizer is None:
        if args.size != "tiny":
            raise Failure(f"--size {args.size}: expected --tokenizer DIR with the Qwen2 tokenizer, got none")
        args.tokenizer = TINY_TOKENIZER
    has = [name for name in TOKENIZER_FILES if (args.tokenizer / name).is_file()]
    if "tokenizer.json" not in has and not {"vocab.json", "merges.txt"} <= set(has):
        raise Failure(f"--tokenizer {args.tokenizer}: expected tokenizer.json, or vocab.json and merges.txt, got "
                      f"{', '.join(has) or 'neither'}")
    if args.shard_gb <= 0:
        raise Failure(f"--shard-gb: expected more than 0, got {args.shard_gb}")
    if args.seed < 0:
        raise Failure(f"--seed: expected 0 or more, got {args.seed}")
    if not args.out.exists():
        return
    if not args.overwrite:
        raise Failure(f"{args.out}: is there already (--overwrite replaces it)")
    # Only a checkpoint or an empty folder may be removed.
    if not args.out.is_dir() or (any(args.out.iterdir()) and not (args.out / "config.json").is_file()):
        raise Failure(f"{args.out}: expected a checkpoint folder to replace, got something else")


def run(args):
    check(args)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{args.out.name}.partial-", dir=args.out.parent))
    try:
        decoder = DECODERS[args.size]
        if args.untied_head:
            decoder = decoder | {"tie_word_embeddings": False}
        tensors = all_tensors(args.size, decoder)
        total = write_checkpoint(partial, args, decoder, tensors)
        # mkdtemp makes folders that other users cannot read.
        os.chmod(partial, 0o777 & ~umask())
        if args.out.exists():
            shutil.rmtree(args.out)
        partial.rename(args.out)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    parameters = sum(math.prod(shape) for shape in tensors.values())
    print(f"{args.out}: {len(tensors)} tensors, {parameters / 1e6:.1f} M parameters, {total / 1e9:.2f} GB")


def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def parse_arguments():
    summary = __doc__.split("\n\n")[0]
    parser = argparse.ArgumentParser(description=summary)
    parser.add_argument("--size", choices=tuple(DECODERS), required=True)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to make")
    parser.add_argument("--dtype", choices=tuple(BYTES), default="bfloat16", help="default: bfloat16")
    parser.add_argument("--seed", type=int, default=42, metavar="N", help="default: 42")
    parser.add_argument("--shard-gb", type=float, default=5.0, metavar="GB", help="largest file (default: 5)")
    parser.add_argument("--tokenizer", type=Path, metavar="DIR",
                        help="folder to copy tokenizer files from (default with --size tiny: that of the tests)")
    parser.add_argument("--untied-head", action="store_true",
                        help="store an untied head with --size 0.5b too, as some checkpoints do")
    parser.add_argument("--repeat-values", action="store_true",
                        help="draw only the first four million values of each tensor, which then repeat: faster")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing checkpoint folder")
    return parser.parse_args()


def main():
    try:
        run(parse_arguments())
    except (Failure, OSError) as error:
        sys.exit(f"make_random_checkpoint.py: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
