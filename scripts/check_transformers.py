#!/usr/bin/env python3
"""Checks that transformers and the authors' code read the checkpoints of our programs and compute the same.

    scripts/check_transformers.py [--build build/release]

transformers makes a small LLaVA-OneVision base with random weights and a repetition penalty of 1.1 in its
generation_config.json. ccexpert-train exports it, and trains it for some steps without a Diff Expert, in both layouts
(lmms, llava-hf). Then
  - LlavaOnevisionForConditionalGeneration loads every llava-hf folder without a missing or unexpected weight, and
    captions pairs of images greedily with its own processor and its own penalty, on generated tokens only as with
    `inputs_embeds`: token ids must equal those of ccexpert-caption, log-probabilities must be close (a
    penalty of 1 gives other captions);
  - the lmms folders contain the same weights under lmms-lab's names, and every key of config.json that the loaders of
    LLaVA-NeXT and of CCExpert read without a default, with the value that gives one square and N+1 tokens per
    image;
  - a Diff Expert trained on the base in either layout gives the same files.
The exit code is 1 if any of these is false.

docs/building.md describes its requirements and its use.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from transformers import (AutoProcessor, LlavaOnevisionConfig, LlavaOnevisionForConditionalGeneration,
                          LogitsProcessorList, RepetitionPenaltyLogitsProcessor)
from transformers.models.llava_onevision.image_processing_pil_llava_onevision import LlavaOnevisionImageProcessorPil

REPOSITORY = Path(__file__).resolve().parent.parent
TOKENIZER = REPOSITORY / "tests/golden/checkpoint-tiny"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt", "added_tokens.json")
SIDE, PATCHES, BLOCKS, NEW_TOKENS, PENALTY = 84, 36, 5, 12, 1.1
VISION = {"model_type": "siglip_vision_model", "hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": BLOCKS,
          "num_attention_heads": 2, "image_size": SIDE, "patch_size": 14, "vision_use_head": False}
TEXT = {"model_type": "qwen2", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 512, "rope_theta": 1e6,
        "tie_word_embeddings": False}
PROMPT = ("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
          "This is the Image1 <image>. This is the second Image2 <image>.\n"
          "What difference happened from Image1 to Image2?<|im_end|>\n<|im_start|>assistant\n")
END_TOKENS = ("<|im_end|>", "<|endoftext|>")
# Names of lmms-lab and of transformers 5's state dict.
NAMES = (("model.vision_tower.vision_tower.vision_model.", "model.vision_tower."),
         ("model.mm_projector.0.", "model.multi_modal_projector.linear_1."),
         ("model.mm_projector.2.", "model.multi_modal_projector.linear_2."),
         ("model.image_newline", "model.image_newline"), ("lm_head.", "lm_head."),
         ("model.", "model.language_model."))
# Keys that the loaders and evaluation of LLaVA-NeXT and CCExpert read: builder.py, llava_arch.py, mm_utils.py,
# siglip_encoder.py, eval_CCExpert.py.
LOADED_KEYS = {"mm_projector_type": "mlp2x_gelu", "mm_use_im_start_end": False, "mm_use_im_patch_token": False,
               "image_aspect_ratio": "square", "mm_vision_select_feature": "patch",
               "mm_vision_tower": "google/siglip-so400m-patch14-384", "mm_hidden_size": VISION["hidden_size"]}


class Failure(Exception):
    pass


def expect(holds, text):
    if not holds:
        raise Failure(text)


def call(*command):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    expect(result.returncode == 0, f"{Path(command[0]).name}: {result.stderr.strip()[-2000:]}")
    return result.stdout


def make_base(folder):
    torch.manual_seed(5)
    config = LlavaOnevisionConfig(vision_config=dict(VISION), text_config=dict(TEXT), vision_feature_layer=-1,
                                  image_token_index=500, video_token_index=501)
    model = LlavaOnevisionForConditionalGeneration(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1:  # large enough that captions depend on the images
                parameter.normal_(0.0, 0.12)
    model.generation_config.eos_token_id = None
    model.generation_config.repetition_penalty = PENALTY
    model.save_pretrained(folder)
    for name in TOKENIZER_FILES:
        shutil.copy(TOKENIZER / name, folder / name)
    return model.eval()


def make_pairs(folder, count):
    """Returns smooth random squares of the model's side and larger."""
    folder.mkdir()
    random = np.random.default_rng(3)
    pairs = []
    for i in range(count):
        paths = []
        for date in ("before", "after"):
            coarse = Image.fromarray(random.integers(0, 256, (6, 6, 3), np.uint8))
            side = SIDE if i % 2 == 0 else 2 * SIDE + 5
            paths.append(folder / f"{i}-{date}.png")
            coarse.resize((side, side), Image.BICUBIC).save(paths[-1])
        pairs.append({"uid": f"p{i}", "img1_path": str(paths[0]), "img2_path": str(paths[1]), "change_flag": 1,
                      "change_caption": [f"a road number {i} appears ."]})
    (folder / "pairs.json").write_text(json.dumps(pairs))
    return pairs


def our_captions(programs, model, pairs, *options):
    text = call(programs / "ccexpert-caption", "--model", model, "--pairs", pairs, "--format", "jsonl", "--device", "cpu",
                "--dtype", "float32", "--max-new-tokens", NEW_TOKENS, *options)
    return {line["uid"]: line for line in map(json.loads, text.splitlines())}


def load(folder):
    model, info = LlavaOnevisionForConditionalGeneration.from_pretrained(folder, dtype=torch.float32,
                                                                         output_loading_info=True)
    expect(not any(info[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")),
           f"{folder.name}: {info}")
    return model.eval()


def processor_of(folder):
    processor = AutoProcessor.from_pretrained(folder)
    # Resizes as we do, with Pillow; torchvision's bicubic rounds differently.
    processor.image_processor = LlavaOnevisionImageProcessorPil.from_pretrained(folder)
    return processor


def their_caption(model, processor, pair):
    images = [Image.open(pair[key]) for key in ("img1_path", "img2_path")]
    inputs = processor(text=[PROMPT], images=[images], return_tensors="pt")
    stops = [processor.tokenizer.convert_tokens_to_ids(token) for token in END_TOKENS]
    prompt = inputs["input_ids"].shape[1]
    # By default, generate() with `input_ids` penalises the prompt's tokens too.
    penalty = RepetitionPenaltyLogitsProcessor(model.generation_config.repetition_penalty, prompt_ignore_length=prompt)
    with torch.no_grad():
        output = model.generate(**inputs, do_sample=False, max_new_tokens=NEW_TOKENS, eos_token_id=stops,
                                repetition_penalty=1.0, logits_processor=LogitsProcessorList([penalty]),
                                pad_token_id=stops[-1], return_dict_in_generate=True, output_logits=True)
    ids = output.sequences[0, prompt:].tolist()
    logprob = sum(torch.log_softmax(step[0], -1)[token].item() for step, token in zip(output.logits, ids))
    return ids, logprob


def check_captions(programs, folder, pairs, pairs_file):
    ours = our_captions(programs, folder, pairs_file)
    model, processor = load(folder), processor_of(folder)
    expect(model.generation_config.repetition_penalty == PENALTY, f"{folder.name}: its penalty is lost")
    for pair in pairs:
        ids, logprob = their_caption(model, processor, pair)
        mine = ours[pair["uid"]]
        expect(mine["token_ids"] == ids, f"{folder.name}: {pair['uid']}: ours {mine['token_ids']}, theirs {ids}")
        expect(abs(mine["logprob"] - logprob) < 1e-3, f"{folder.name}: {mine['logprob']} against {logprob}")
    return ours


def their_name(name):
    for ours, theirs in NAMES:
        if name.startswith(ours):
            return theirs + name[len(ours):]
    raise Failure(f"{name}: not a name of lmms-lab's layout")


def check_lmms(folder, weights):
    """Compares the folder's weights with a state dict of transformers, its config with the keys that loaders read."""
    saved = load_file(folder / "model.safetensors")
    for name, tensor in saved.items():
        expect(torch.equal(tensor.float(), weights[their_name(name)].float()), f"{folder.name}: {name} differs")
    left = set(weights) - {their_name(name) for name in saved}
    expect(not left, f"{folder.name}: without {sorted(left)[:5]}")
    config = json.loads((folder / "config.json").read_text())
    for key, value in {**LOADED_KEYS, "mm_vision_select_layer": -2, "mm_patch_merge_type": "spatial_unpad",
                       "model_type": "llava_qwen", "architectures": ["LlavaQwenForCausalLM"]}.items():
        expect(key in config and config[key] == value, f"{folder.name}: {key} is {config.get(key)}, expected {value}")


def run_config(start, pairs, output, **model):
    return {"output": str(output), "device": "cpu", "threads": 1,
            "model": {"start": str(start), "dtype": "float32"} | model,
            "data": {"train": str(pairs)}, "batch": {"global": 4, "micro": 2, "max_steps": 4},
            "optimizer": {"learning_rate": 1e-3}, "checkpoint": {"every_steps": 4}}


def train(programs, folder, name, config, **checkpoint):
    path = folder / f"{name}.yaml"
    config["checkpoint"] |= checkpoint
    path.write_text(json.dumps(config))  # JSON is YAML
    call(programs / "ccexpert-train", "--config", path)
    return Path(config["output"]) / "checkpoints/step-00000004"


def export(programs, start, to, layout):
    call(programs / "ccexpert-train", "--export", start, "--to", to, "--dtype", "float32", "--layout", layout)
    return to


def check_diff_expert(programs, folder, bases, pairs):
    layers = [-6, -5, -3, -2]
    saved = [train(programs, folder, f"expert-{i}", run_config(base, pairs, folder / f"expert-{i}", vision_layers=layers))
             for i, base in enumerate(bases)]
    for name in ("model.safetensors", "config.json"):
        expect((saved[0] / name).read_bytes() == (saved[1] / name).read_bytes(), f"{name} depends on the base's layout")
    config = json.loads((saved[0] / "config.json").read_text())
    for key, value in {**LOADED_KEYS, "mm_vision_select_layer": "[-6,-5,-3,-2]", "mm_patch_merge_type": "flat",
                       "model_type": "llava_qwen_cc", "mm_resampler_type": "cc_expert"}.items():
        expect(config.get(key) == value, f"{saved[0].name}: {key} is {config.get(key)}, expected {value}")


def check(programs, folder):
    base = make_base(folder / "base")
    pairs = make_pairs(folder / "images", 6)
    pairs_file = folder / "images/pairs.json"
    lmms = export(programs, folder / "base", folder / "lmms", "lmms")
    hf = export(programs, lmms, folder / "hf", "llava-hf")
    check_lmms(lmms, base.state_dict())
    captions = [check_captions(programs, hf, pairs, pairs_file), our_captions(programs, lmms, pairs_file),
                our_captions(programs, folder / "base", pairs_file)]
    for uid in captions[0]:
        expect(len({tuple(each[uid]["token_ids"]) for each in captions}) == 1, f"{uid}: layouts caption differently")
    distinct = len({tuple(line["token_ids"]) for line in captions[0].values()})
    expect(distinct > 1, "all pairs have one caption: the comparison says nothing of images")
    free = our_captions(programs, hf, pairs_file, "--repetition-penalty", 1)
    changed = sum(captions[0][uid]["token_ids"] != free[uid]["token_ids"] for uid in free)
    expect(changed > 0, "the penalty changes no caption: the comparison says nothing of it")
    print(f"export: {len(pairs)} pairs, {distinct} captions, {changed} of them changed by the penalty, the same in "
          "transformers and in every layout")

    trained = [train(programs, folder, layout, run_config(folder / "base", pairs_file, folder / f"run-{layout}",
                                                          diff_expert=False), layout=layout)
               for layout in ("lmms", "llava-hf")]
    check_captions(programs, trained[1], pairs, pairs_file)
    check_lmms(trained[0], load(trained[1]).state_dict())
    print("training without Diff Expert: the same checkpoint in both layouts, captioned by transformers")
    check_diff_expert(programs, folder, (folder / "base", lmms), pairs_file)
    print("training with a fresh Diff Expert: the same files from both layouts of the base")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=REPOSITORY / "build/release", help="build folder of the programs")
    parser.add_argument("--keep", type=Path, help="working folder, which is kept")
    options = parser.parse_args()
    torch.set_num_threads(1)
    try:
        if options.keep:
            options.keep.mkdir(parents=True)
            check(options.build.resolve() / "tools", options.keep.resolve())
        else:
            with tempfile.TemporaryDirectory() as folder:
                check(options.build.resolve() / "tools", Path(folder))
    except Failure as failure:
        sys.exit(f"error: {failure}")


if __name__ == "__main__":
    main()
