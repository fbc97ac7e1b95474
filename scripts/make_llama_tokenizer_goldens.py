#!/usr/bin/env python3
"""Writes tests/golden/llama_tokenizer: a small sentencepiece tokenizer of LLaMA's kind, and what others make of texts.

    scripts/make_llama_tokenizer_goldens.py [--output FOLDER]

tokenizer.model is trained here by sentencepiece with LLaMA's settings (BPE, byte fallback, identity normaliser, leading
space, all spaces kept) on the texts of tests/golden/tokenizer/expected.json. From it come, in folders of their own,
three files of transformers:

    legacy/tokenizer.json      Prepend and Replace as normaliser, as the published llama, vicuna and llava-hf folders have
    metaspace/tokenizer.json   LlamaTokenizer of transformers 5 with legacy=True: Metaspace before each text
    first/tokenizer.json       the same with legacy=False: Metaspace only at the start

expected.json has `cases`: a text, the ids of sentencepiece (`model`) and the ids of each file by the tokenizers library,
without <s> in front, and their decoded texts. Special tokens in a text are cut out before sentencepiece sees it, as
LlamaTokenizer of transformers 4 does in its legacy mode, which LLaVA was trained with.

The Python that runs this script needs: sentencepiece, transformers 5, tokenizers.
"""

import argparse
import json
import re
from pathlib import Path

import sentencepiece
from tokenizers import Tokenizer
from tokenizers.models import BPE
from transformers import LlamaTokenizer
from transformers.convert_slow_tokenizer import SentencePieceExtractor

DATA = Path(__file__).resolve().parent.parent / "tests" / "golden"
SPACE = "▁"
SPECIAL = ["<unk>", "<s>", "</s>"]
PIECES = 640
MORE = ["", " ", "  ", "   a", "a  b", "a   b ", "\n", "\t\n x", SPACE, SPACE + "road", "the" + SPACE + "road", "</s>", "<s>the road</s>",
        "the road</s> is</s>built", "<s> the</s>  road ", "</s><s>", "<unk>road", "USER: What changed? ASSISTANT: a road</s>",
        "naïve café Ünïcödé", "漢字かな交じり文", "한국어 텍스트", "🛰️ 🏠🏠 👩‍👩‍👧", "e\u0301 é", "\u00a0\u2003\u200b", "ﬁ ½ ①", "\u0000\u0001",
        "aaaaaaaaaaaaaaa", "roadroadroad", "<0x41> <0x0A>", "<image>", "ASSISTANT:", "0123456789 3.14", "x" * 400, "the road " * 60]


def train(folder, texts):
    folder.mkdir(parents=True, exist_ok=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_prefix=str(folder / "tokenizer"), vocab_size=PIECES, model_type="bpe",
        byte_fallback=True, normalization_rule_name="identity", add_dummy_prefix=True, remove_extra_whitespaces=False,
        split_digits=True, allow_whitespace_only_pieces=True, character_coverage=0.98, unk_id=0, bos_id=1, eos_id=2,
        pad_id=-1, num_threads=1, minloglevel=2)
    (folder / "tokenizer.vocab").unlink()


def write_json_files(folder):
    extracted = SentencePieceExtractor(str(folder / "tokenizer.model")).extract(BPE)
    vocabulary, merges = extracted["vocab"], extracted["merges"]
    made = {}
    for name, legacy in (("metaspace", True), ("first", False)):
        made[name] = LlamaTokenizer(vocab=vocabulary, merges=merges, legacy=legacy)._tokenizer
    made["legacy"] = Tokenizer.from_str(made["metaspace"].to_str())
    made["legacy"].pre_tokenizer = None
    root = json.loads(made["legacy"].to_str())
    root["pre_tokenizer"] = None
    root["normalizer"] = {"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": SPACE}, {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}]}
    made["legacy"] = Tokenizer.from_str(json.dumps(root))
    for name, tokenizer in made.items():
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "tokenizer.json").write_text(
            json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n")
    return made


def encode_by_model(model, text):
    ids = []
    for piece in re.split("(" + "|".join(map(re.escape, SPECIAL)) + ")", text):
        ids += [SPECIAL.index(piece)] if piece in SPECIAL else model.encode(piece)
    return ids


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=DATA / "llama_tokenizer")
    folder = parser.parse_args().output
    texts = [case["text"] for case in json.loads((DATA / "tokenizer" / "expected.json").read_text())["cases"]]
    train(folder, [line for text in texts for line in text.split("\n") if line] * 2)
    made = write_json_files(folder)
    model = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    cases = []
    for text in texts + MORE:
        ids = encode_by_model(model, text)
        case = {"text": text, "model": ids}
        if not any(special in text for special in SPECIAL):
            case["decoded"] = model.decode(ids)
        for name, tokenizer in made.items():
            case[name] = tokenizer.encode(text, add_special_tokens=False).ids
            case[name + "_decoded"] = tokenizer.decode(case[name], skip_special_tokens=True)
        cases.append(case)
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    (folder / "expected.json").write_text(f'{{"cases": [\n{lines}\n]}}\n')
    same = sum(case["model"] == case["legacy"] for case in cases)
    print(f"{model.vocab_size()} pieces, {len(cases)} texts; legacy equals sentencepiece in {same}")
    for case in cases:
        if case["model"] != case["legacy"]:
            print("different:", ascii(case["text"][:60]), case["model"][:10], case["legacy"][:10])


if __name__ == "__main__":
    main()
