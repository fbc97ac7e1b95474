#!/usr/bin/env python3
"""Checks that PEFT and our programs read each other's LoRA adapters and compute the same.

    scripts/check_peft.py [--build build/release]

The base is the small LLaVA-OneVision model of check_transformers.py. Then
  - ccexpert-train trains LoRA on all matrices and saves llava-hf names; PEFT loads the adapter on the base and captions
    pairs of images with it: token ids must equal those of ccexpert-caption, which merges the adapter of the checkpoint,
    and log-probabilities must be close;
  - ccexpert-train trains LoRA on the decoder and saves the authors' names; PEFT loads the adapter on Qwen2ForCausalLM: its
    logits must be close to those of the weights that ccexpert-train --export merged, and so must its merged weights;
  - PEFT makes an rsLoRA adapter, and ccexpert-caption captions with it, merged and apart, as PEFT does.
The exit code is 1 if any of these is false.

docs/building.md describes its requirements and its use.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import check_transformers as base_check
import torch
from check_transformers import Failure, call, expect, export, load, our_captions, processor_of, run_config, their_caption
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from transformers import Qwen2Config, Qwen2ForCausalLM

STEPS = 12


def train(programs, folder, name, config, **lora):
    config["lora"] = {"rank": 4, "alpha": 8} | lora
    config["batch"]["max_steps"] = config["checkpoint"]["every_steps"] = STEPS
    config["optimizer"]["learning_rate"] = 0.02
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(config))
    call(programs / "ccexpert-train", "--config", path)
    return Path(config["output"]) / f"checkpoints/step-{STEPS:08}"


def compare_captions(model, processor, pairs, ours, what):
    """Returns the largest difference of log-probabilities."""
    worst = 0.0
    for pair in pairs:
        ids, logprob = their_caption(model, processor, pair)
        mine = ours[pair["uid"]]
        expect(mine["token_ids"] == ids, f"{what}: {pair['uid']}: ours {mine['token_ids']}, theirs {ids}")
        worst = max(worst, abs(mine["logprob"] - logprob))
    expect(worst < 1e-3, f"{what}: log-probabilities differ by {worst}")
    return worst


def changed(one, other):
    return sum(one[uid]["token_ids"] != other[uid]["token_ids"] for uid in one)


def check_whole(programs, folder, base, pairs, pairs_file):
    config = run_config(base, pairs_file, folder / "run-hf", diff_expert=False)
    config["checkpoint"]["layout"] = "llava-hf"
    checkpoint = train(programs, folder, "hf", config, targets=["all-linear"])
    merged = our_captions(programs, checkpoint, pairs_file)
    apart = our_captions(programs, base, pairs_file, "--adapter", checkpoint, "--adapter-apart")
    plain = our_captions(programs, base, pairs_file)
    expect(changed(merged, plain) > 0, "the adapter changes no caption: the comparison says nothing")
    model, processor = PeftModel.from_pretrained(load(base), checkpoint).eval(), processor_of(base)
    worst = max(compare_captions(model, processor, pairs, ours, what)
                for ours, what in ((merged, "merged"), (apart, "apart")))
    count = sum(parameter.numel() for name, parameter in model.named_parameters() if "lora_" in name)
    print(f"our adapter of a whole model ({count} parameters, {changed(merged, plain)} of {len(pairs)} captions changed): "
          f"PEFT's captions, log-probabilities within {worst:.1e}")


def decoder_of(folder, weights):
    config = json.loads((folder / "config.json").read_text())
    keys = base_check.TEXT.keys() - {"model_type"}
    model = Qwen2ForCausalLM(Qwen2Config(**{key: config[key] for key in keys})).eval()
    model.load_state_dict({name: weights[name].float() for name in model.state_dict()})
    return model


@torch.no_grad()
def check_decoder(programs, folder, base, pairs_file):
    start = export(programs, base, folder / "lmms", "lmms")
    config = run_config(start, pairs_file, folder / "run-lmms", diff_expert=False)
    checkpoint = train(programs, folder, "lmms", config, rslora=True)
    merged_folder = export(programs, checkpoint, folder / "merged", "lmms")
    adapted = PeftModel.from_pretrained(decoder_of(start, load_file(start / "model.safetensors")), checkpoint).eval()
    exported = decoder_of(start, load_file(merged_folder / "model.safetensors"))
    ids = torch.randint(0, 480, (2, 12))
    plain = decoder_of(start, load_file(start / "model.safetensors"))(input_ids=ids).logits
    theirs, ours = adapted(input_ids=ids).logits, exported(input_ids=ids).logits
    worst = (theirs - ours).abs().max().item()
    expect((theirs - plain).abs().max() > 0.1, "the adapter changes no logit: the comparison says nothing")
    expect(worst < 1e-3, f"logits differ by {worst}")
    weights = adapted.merge_and_unload().state_dict()
    difference = max((weights[name] - tensor).abs().max().item() for name, tensor in exported.state_dict().items())
    expect(difference < 1e-5, f"merged weights differ by {difference}")
    print(f"our adapter of a decoder: PEFT's logits within {worst:.1e}, its merged weights within {difference:.1e}")


@torch.no_grad()
def check_theirs(programs, folder, base, pairs, pairs_file):
    torch.manual_seed(7)
    targets = r".*(vision_tower.*\.(q_proj|fc2)|multi_modal_projector\.linear_1|language_model.*\.(v_proj|up_proj))"
    model = get_peft_model(load(base), LoraConfig(r=4, lora_alpha=8, use_rslora=True, target_modules=targets)).eval()
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.normal_(0.0, 0.05)
    adapter, processor = folder / "peft", processor_of(base)
    model.save_pretrained(adapter)
    plain = our_captions(programs, base, pairs_file)
    worst, count = 0.0, 0
    for options in ((), ("--adapter-apart",)):
        ours = our_captions(programs, base, pairs_file, "--adapter", adapter, *options)
        worst = max(worst, compare_captions(model, processor, pairs, ours, "PEFT's adapter"))
        count = changed(ours, plain)
    expect(count > 0, "the adapter changes no caption: the comparison says nothing")
    print(f"PEFT's adapter ({count} of {len(pairs)} captions changed): our captions, merged and apart, log-probabilities "
          f"within {worst:.1e}")


def check(programs, folder):
    base_check.make_base(folder / "base")
    # The folder that training, ccexpert-caption and transformers all read.
    base = export(programs, export(programs, folder / "base", folder / "names", "lmms"), folder / "hf", "llava-hf")
    pairs = base_check.make_pairs(folder / "images", 6)
    pairs_file = folder / "images/pairs.json"
    check_whole(programs, folder, base, pairs, pairs_file)
    check_decoder(programs, folder, base, pairs_file)
    check_theirs(programs, folder, base, pairs, pairs_file)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=base_check.REPOSITORY / "build/release",
                        help="build folder of the programs")
    options = parser.parse_args()
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            check(options.build.resolve() / "tools", Path(folder))
    except Failure as failure:
        sys.exit(f"error: {failure}")


if __name__ == "__main__":
    main()
