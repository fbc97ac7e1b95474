#!/usr/bin/env python3
"""Writes tests/golden/lora: adapters that the real peft makes, and what transformers computes with them.

    scripts/make_lora_goldens.py [--output DIR]

decoder: LoRA on Qwen2ForCausalLM, the decoder of tests/golden/checkpoint-tiny, with another rank and another alpha for
    some matrices; expected.safetensors has `ids` [B,T] and `logits` [B,T,V].
whole: rsLoRA on LlavaOnevisionForConditionalGeneration, the model of tests/golden/checkpoint-tiny-hf, on matrices of the
    tower, the projector and the decoder; expected.safetensors has `pixels` [2,3,P,P], the projected `tokens` [2,N,H],
    `ids` and `logits`.

The Python that runs this script needs: torch (of the version of the build's LibTorch), transformers 5, peft, safetensors.
"""

import argparse
import json
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import LlavaOnevisionForConditionalGeneration, Qwen2Config, Qwen2ForCausalLM

DATA = Path(__file__).resolve().parent.parent / "tests" / "golden"
SIZES = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
         "num_key_value_heads", "rope_theta", "rms_norm_eps", "tie_word_embeddings", "hidden_act")


def load_decoder():
    folder = DATA / "checkpoint-tiny"
    config = json.loads((folder / "config.json").read_text())
    model = Qwen2ForCausalLM(Qwen2Config(**{key: config[key] for key in SIZES})).eval()
    weights = {}
    for file in sorted(folder.glob("model-*.safetensors")):
        weights.update(load_file(file))
    model.load_state_dict({name: weights[name].float() for name in model.state_dict()})
    return model


def adapted(model, config):
    """Returns the model with an adapter whose B is not zero, unlike a fresh one."""
    model = get_peft_model(model, config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0.0, 0.05)
    return model


def save(folder, model, expected):
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    file = folder / "adapter_config.json"
    config = json.loads(file.read_text())
    config["base_model_name_or_path"] = folder.name  # not the path on this machine
    file.write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    save_file({name: tensor.contiguous() for name, tensor in expected.items()}, folder / "expected.safetensors")


@torch.no_grad()
def make_decoder(folder):
    torch.manual_seed(1)
    config = LoraConfig(r=4, lora_alpha=6, rank_pattern={"o_proj": 2}, alpha_pattern={"k_proj": 3, "1.mlp.up_proj": 12},
                        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
                        task_type="CAUSAL_LM")
    model = adapted(load_decoder(), config)
    ids = torch.randint(0, 480, (2, 8))
    save(folder, model, {"ids": ids, "logits": model(input_ids=ids).logits})


@torch.no_grad()
def make_whole(folder):
    torch.manual_seed(2)
    base = LlavaOnevisionForConditionalGeneration.from_pretrained(DATA / "checkpoint-tiny-hf", dtype=torch.float32)
    targets = r".*(vision_tower.*\.(q_proj|fc2)|multi_modal_projector\.linear_1|language_model.*\.v_proj)"
    model = adapted(base, LoraConfig(r=3, lora_alpha=5, use_rslora=True, target_modules=targets))
    inner = model.base_model.model.model
    pixels = torch.randn(2, 3, 84, 84)
    states = inner.vision_tower(pixels, output_hidden_states=True).hidden_states
    tokens = inner.multi_modal_projector(states[model.config.vision_feature_layer])
    ids = torch.randint(0, 480, (1, 8))
    save(folder, model, {"pixels": pixels, "tokens": tokens, "ids": ids, "logits": model(input_ids=ids).logits})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=DATA / "lora")
    output = parser.parse_args().output
    for name, make in (("decoder", make_decoder), ("whole", make_whole)):
        (output / name).mkdir(parents=True, exist_ok=True)
        make(output / name)


if __name__ == "__main__":
    main()
