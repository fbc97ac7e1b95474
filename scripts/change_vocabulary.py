#!/usr/bin/env python3
"""Gives a small model the words of other captions, so that it need not spell them: a start for training.

    scripts/change_vocabulary.py models/demo --data train.jsonl --data drawn.json --out start

learns a vocabulary from the captions (ccexpert-data vocabulary) and writes the model with it. Rows of tokens that the
model has are kept; the row of a new token is the mean of the rows of its pieces. The embedding must be the head too and
keeps its size. The new model has to be trained before it captions. Only the standard library is needed."""
import argparse
import array
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
EMBEDDING = "model.embed_tokens.weight"
WIDTHS = {"BF16": 2, "F32": 4}


def pieces(token, ranks):
    """Returns the pieces of a token under other merges, whose ranks are by pair."""
    parts = list(token)
    while len(parts) > 1:
        rank, at = min((ranks.get((parts[i], parts[i + 1]), len(ranks)), i) for i in range(len(parts) - 1))
        if rank == len(ranks):
            break
        parts[at:at + 2] = [parts[at] + parts[at + 1]]
    return parts


def sources(old, new, ranks):
    """Returns for each new id the old ids whose mean is its row."""
    return {new_id: [old[token]] if token in old else [old[piece] for piece in pieces(token, ranks)]
            for token, new_id in new.items()}


def floats(data, dtype):
    if dtype == "F32":
        return array.array("f", data)
    return array.array("f", b"".join(b"\0\0" + data[i:i + 2] for i in range(0, len(data), 2)))


def stored(values, dtype):
    data = array.array("f", values).tobytes()
    if dtype == "F32":
        return data
    words = array.array("I", data)  # rounded to the nearest, ties to even
    return array.array("H", ((word + 0x7FFF + (word >> 16 & 1)) >> 16 for word in words)).tobytes()


def with_rows(weights, rows):
    """Returns a safetensors file whose embedding has the given rows, id: old ids; other rows stay."""
    (size,) = struct.unpack("<Q", weights[:8])
    header = json.loads(weights[8:8 + size])
    if EMBEDDING not in header or "lm_head.weight" in header or header[EMBEDDING]["dtype"] not in WIDTHS:
        sys.exit(f"error: expected the tensor {EMBEDDING} in bfloat16 or float32 and no lm_head.weight, got others")
    tensor = header[EMBEDDING]
    count, width = tensor["shape"]
    if max(rows) >= count:
        sys.exit(f"error: expected at most {count} tokens, the rows of the embedding, got {max(rows) + 1}")
    first, last = (8 + size + offset for offset in tensor["data_offsets"])
    old = floats(weights[first:last], tensor["dtype"])
    new = array.array("f", old)
    for target, origins in rows.items():
        columns = zip(*(old[width * row:width * (row + 1)] for row in origins))
        new[width * target:width * (target + 1)] = array.array("f", (sum(column) / len(origins) for column in columns))
    return weights[:first] + stored(new, tensor["dtype"]) + weights[last:]


def tokens_of(folder):
    """Returns the ids of all tokens, those of the special ones included."""
    return {**json.loads((folder / "vocab.json").read_text(encoding="utf-8")),
            **json.loads((folder / "added_tokens.json").read_text(encoding="utf-8"))}


def ranks_of(folder):
    lines = (folder / "merges.txt").read_text(encoding="utf-8").splitlines()
    return {tuple(line.split(" ")): rank for rank, line in enumerate(line for line in lines if not line.startswith("#"))}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path, help="folder with vocab.json, merges.txt and one model.safetensors")
    parser.add_argument("--data", type=pathlib.Path, action="append", required=True, help="annotations, several times")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release/tools", help="folder of the programs")
    options = parser.parse_args()
    for name in ("vocab.json", "merges.txt", "added_tokens.json", "model.safetensors", "config.json"):
        if not (options.model / name).is_file():
            sys.exit(f"error: {options.model}: expected the file {name}, got none")
    shutil.copytree(options.model, options.out, dirs_exist_ok=True)
    specials = len(json.loads((options.model / "added_tokens.json").read_text(encoding="utf-8")))
    size = json.loads((options.model / "config.json").read_text(encoding="utf-8"))["vocab_size"] - specials
    done = subprocess.run([options.bin / "ccexpert-data", "vocabulary", "--data", *options.data, "--size", str(size),
                           "--out", options.out], check=False)
    if done.returncode:
        sys.exit(done.returncode)
    rows = sources(tokens_of(options.model), tokens_of(options.out), ranks_of(options.model))
    weights = (options.model / "model.safetensors").read_bytes()
    unfinished = options.out / "model.safetensors.part"
    unfinished.write_bytes(with_rows(weights, rows))
    os.replace(unfinished, options.out / "model.safetensors")
    (options.out / "change_score.json").unlink(missing_ok=True)  # of the model before
    print(f"{options.out}: {len(rows)} tokens, {sum(len(origins) == 1 for origins in rows.values())} of them as before")


if __name__ == "__main__":
    main()
