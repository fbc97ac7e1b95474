#!/usr/bin/env python3
"""Writes tests/golden/newer/tokenizer: added tokens of Qwen2.5 and Qwen3 with token ids by transformers.

    scripts/make_tokenizer_goldens.py

Both have the vocabulary and merges of Qwen2 (tests/golden/tokenizer) and more added tokens, of which some are not
special. For each model this writes its tokenizer_config.json, and the ids of texts with such tokens. The ids of the texts
in tests/golden/tokenizer must be those of Qwen2; the script checks that. Needs transformers 5.
"""

import json
import shutil
import tempfile
from pathlib import Path

from transformers import AutoTokenizer

GOLDEN = Path(__file__).resolve().parent.parent / "tests/golden"
FIRST = 151643
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>",
           "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
           "<|image_pad|>", "<|video_pad|>"]
PLAIN = ["<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>",
         "<|repo_name|>", "<|file_sep|>"]
MODELS = {"qwen2.5": PLAIN, "qwen3": PLAIN + ["<tool_response>", "</tool_response>", "<think>", "</think>"]}
TEXTS = ["<|im_start|>assistant\n<think>\n\n</think>\n\nmany houses are built .<|im_end|>\n",
         "<|im_start|>user\nThis is Image1 .<|im_end|>\n<|im_start|>assistant\n", "a <think> b</think>c", "<think",
         "<tool_call>{}</tool_call>", "x<|vision_start|><|image_pad|><|vision_end|>y", "<|fim_prefix|> 1 <|file_sep|>",
         "<tool_response>\n</tool_response>"]


def config(plain):
    tokens = {FIRST + i: {"content": text, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False,
                          "special": text in SPECIAL} for i, text in enumerate(SPECIAL + plain)}
    return {"tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>",
            "additional_special_tokens": SPECIAL[1:], "errors": "replace", "added_tokens_decoder": tokens}


def main():
    out = GOLDEN / "newer/tokenizer"
    out.mkdir(parents=True, exist_ok=True)
    expected = {}
    qwen2 = json.loads((GOLDEN / "tokenizer/expected.json").read_text())["cases"]
    for name, plain in MODELS.items():
        text = json.dumps(config(plain), indent=1) + "\n"
        (out / f"{name}.tokenizer_config.json").write_text(text)
        with tempfile.TemporaryDirectory() as folder:
            for file in ("vocab.json", "merges.txt"):
                shutil.copy(GOLDEN / "tokenizer" / file, folder)
            (Path(folder) / "tokenizer_config.json").write_text(text)
            tokenizer = AutoTokenizer.from_pretrained(folder)
        for case in qwen2:
            ids = tokenizer(case["text"])["input_ids"]
            if ids != case["ids"]:
                raise SystemExit(f"{name}: {case['text']!r}: {ids}, Qwen2 {case['ids']}")
        encoded = [tokenizer(text)["input_ids"] for text in TEXTS]
        expected[name] = [{"text": text, "ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=True)}
                          for text, ids in zip(TEXTS, encoded)]
    (out / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
    print(f"{len(TEXTS)} texts, and {len(qwen2)} with the ids of Qwen2")


if __name__ == "__main__":
    main()
