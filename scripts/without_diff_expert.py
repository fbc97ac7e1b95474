#!/usr/bin/env python3
"""Writes a checkpoint without its Diff Expert, to train another one on it: without_diff_expert.py CHECKPOINT OUT

CHECKPOINT is in the authors' layout with one model.safetensors, as models/demo is."""
import json
import shutil
import struct
import sys
from pathlib import Path

EXPERT = "model.vision_resampler."


def filtered(weights: bytes) -> bytes:
    """Returns the safetensors file without the tensors of the Diff Expert."""
    (size,) = struct.unpack("<Q", weights[:8])
    header, data = json.loads(weights[8 : 8 + size]), weights[8 + size :]
    kept, parts, end = {}, [], 0
    for name, tensor in header.items():
        if name == "__metadata__":
            kept[name] = tensor
        elif not name.startswith(EXPERT):
            first, last = tensor["data_offsets"]
            kept[name] = {**tensor, "data_offsets": [end, end + last - first]}
            parts.append(data[first:last])
            end += last - first
    text = json.dumps(kept).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(parts)


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    config = json.loads((source / "config.json").read_text())
    if "cc_expert_args" not in config:
        sys.exit(f"{source}/config.json: expected cc_expert_args, as a checkpoint with a Diff Expert has, got none")
    target.mkdir(parents=True, exist_ok=True)
    for file in source.iterdir():
        if file.suffix in (".json", ".txt") and file.name != "config.json":
            shutil.copy(file, target)
    layers = json.loads(str(config["mm_vision_select_layer"]))
    config["mm_vision_select_layer"] = layers[-1]
    for key in ("cc_expert_args", "mm_resampler_type"):
        config.pop(key, None)
    (target / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    (target / "model.safetensors").write_bytes(filtered((source / "model.safetensors").read_bytes()))


main()
