#!/usr/bin/env python3
"""Writes tests/golden/newer: small random models of transformers with their inputs and outputs.

    scripts/make_newer_goldens.py [--out tests/golden/newer]
    scripts/make_newer_goldens.py --full-size DIR      # one layer of each part at full size, for one comparison

Each folder has config.json, model.safetensors and expected.safetensors:
  - qwen2.5, qwen3-tied, qwen3-untied: a decoder alone (Qwen2ForCausalLM, Qwen3ForCausalLM; the heads of Qwen3 are wider
    than hidden_size / num_attention_heads): hidden states and logits of one sequence, logits of its tokens one at a
    time, and logits of rows of unequal length.
  - siglip2, siglip2-naflex: a vision tower of the two kinds of SigLIP2 (SiglipModel, Siglip2Model): hidden states of two
    images, for NaFlex on square grids of its own and of another size.
  - onevision-qwen3: LlavaOnevisionForConditionalGeneration with Qwen3: logits of a prompt with two images.
Needs torch, transformers 5 and safetensors.
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import (LlavaOnevisionConfig, LlavaOnevisionForConditionalGeneration, Qwen2Config, Qwen2ForCausalLM,
                          Qwen3Config, Qwen3ForCausalLM, Siglip2Config, Siglip2Model, SiglipConfig, SiglipModel)

REPOSITORY = Path(__file__).resolve().parent.parent
KEPT_KEYS = ("transformers_version", "dtype")  # without use here; they change with the version

SMALL = {"vocab_size": 64, "hidden_size": 24, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
         "num_key_value_heads": 2, "max_position_embeddings": 128, "rope_theta": 1e6, "rms_norm_eps": 1e-6}
QWEN2_5 = SMALL | {"num_attention_heads": 6, "num_key_value_heads": 3, "tie_word_embeddings": False}
TOWER = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3, "num_attention_heads": 2, "patch_size": 4}
TEXT = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 20,
        "max_position_embeddings": 8, "bos_token_id": 1, "eos_token_id": 2}
# Of Qwen2.5-7B, Qwen3-8B and so400m.
FULL_QWEN2_5 = {"vocab_size": 1000, "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 1,
                "num_attention_heads": 28, "num_key_value_heads": 4, "rope_theta": 1e6, "rms_norm_eps": 1e-6,
                "tie_word_embeddings": False}
FULL_QWEN3 = {"vocab_size": 1000, "hidden_size": 2560, "intermediate_size": 9728, "num_hidden_layers": 1,
              "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128, "rope_theta": 1e6,
              "rms_norm_eps": 1e-6, "tie_word_embeddings": True}
FULL_TOWER = {"hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 2, "num_attention_heads": 16}


def randomised(model, deviation=0.15):
    """Draws all weights, so that norms, biases and positions have an effect."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(0.0, deviation)
            if "norm" in name and name.endswith("weight"):
                parameter.add_(1.0)
    return model.eval()


def save(folder, model, expected):
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    config = json.loads((folder / "config.json").read_text())
    for key in KEPT_KEYS:
        config.pop(key, None)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    save_file({name: tensor.contiguous().clone() for name, tensor in expected.items()}, folder / "expected.safetensors")
    print(folder, sum(file.stat().st_size for file in folder.iterdir()) // 1000, "kB")


@torch.no_grad()
def step_logits(model, ids):
    cache, steps = None, []
    for t in range(ids.shape[1]):
        output = model(input_ids=ids[:, t:t + 1], past_key_values=cache, use_cache=True)
        cache = output.past_key_values
        steps.append(output.logits[0, 0])
    return torch.stack(steps)


@torch.no_grad()
def decoder_values(model, length=9):
    ids = torch.randint(0, model.config.vocab_size, (1, length))
    whole = model(input_ids=ids, output_hidden_states=True)
    values = {"ids": ids[0], "logits": whole.logits[0], "step_logits": step_logits(model, ids)}
    for i, state in enumerate(whole.hidden_states):
        values[f"hidden.{i}"] = state[0]
    lengths = (length, 4, 6)
    rows = torch.randint(0, model.config.vocab_size, (len(lengths), length))
    mask = torch.tensor([[int(t < n) for t in range(length)] for n in lengths])
    values |= {"batch_ids": rows * mask, "batch_mask": mask}
    for row, n in enumerate(lengths):
        values[f"row_logits.{row}"] = model(input_ids=rows[row:row + 1, :n]).logits[0]
    return values


def save_decoder(folder, model):
    randomised(model)
    save(folder, model, decoder_values(model))


def to_patches(pixels, side):
    """Returns the flattened patches [B,N,p*p*3] that the image processor of NaFlex makes."""
    images, channels, height, width = pixels.shape
    patches = pixels.reshape(images, channels, height // side, side, width // side, side)
    return patches.permute(0, 2, 4, 3, 5, 1).reshape(images, -1, side * side * channels)


@torch.no_grad()
def naflex_states(tower, grid):
    side = tower.config.patch_size
    pixels = torch.randn(2, 3, grid * side, grid * side)
    output = tower(pixel_values=to_patches(pixels, side), pixel_attention_mask=torch.ones(2, grid * grid),
                   spatial_shapes=torch.tensor([[grid, grid]] * 2), output_hidden_states=True)
    values = {f"grid{grid}.hidden.{i}": state for i, state in enumerate(output.hidden_states)}
    return values | {f"grid{grid}.pixels": pixels}


@torch.no_grad()
def fixed_states(tower):
    pixels = torch.randn(2, 3, tower.config.image_size, tower.config.image_size)
    states = tower(pixel_values=pixels, output_hidden_states=True).hidden_states
    return {f"hidden.{i}": state for i, state in enumerate(states)} | {"pixels": pixels}


def save_towers(out):
    fixed = randomised(SiglipModel(SiglipConfig(vision_config=TOWER | {"image_size": 16}, text_config=TEXT)))
    save(out / "siglip2", fixed, fixed_states(fixed.vision_model))
    naflex = randomised(Siglip2Model(Siglip2Config(vision_config=TOWER | {"num_patches": 16}, text_config=TEXT)))
    save(out / "siglip2-naflex", naflex,
         naflex_states(naflex.vision_model, 4) | naflex_states(naflex.vision_model, 6) |
         naflex_states(naflex.vision_model, 3))


@torch.no_grad()
def save_onevision(out):
    text = SMALL | {"model_type": "qwen3", "head_dim": 8, "tie_word_embeddings": False}
    tower = TOWER | {"model_type": "siglip_vision_model", "image_size": 16, "vision_use_head": False}
    model = randomised(LlavaOnevisionForConditionalGeneration(LlavaOnevisionConfig(
        vision_config=tower, text_config=text, vision_feature_layer=-1, image_token_index=60, video_token_index=61,
        image_grid_pinpoints=[[16, 16]])))
    pixels = torch.randn(2, 3, 16, 16)
    image = [60] * 17  # 16 patches and image_newline
    ids = torch.tensor([[5, 6, *image, 7, *image, 8, 9, 10]])
    # Batch of two images, each a single square.
    output = model(input_ids=ids, pixel_values=pixels.unsqueeze(1), image_sizes=torch.tensor([[16, 16]] * 2),
                   batch_num_images=torch.tensor([2]))
    save(out / "onevision-qwen3", model, {"ids": ids[0], "pixels": pixels, "logits": output.logits[0]})


def save_small(out):
    torch.manual_seed(23)
    save_decoder(out / "qwen2.5", Qwen2ForCausalLM(Qwen2Config(**QWEN2_5)))
    for name, tied in (("qwen3-tied", True), ("qwen3-untied", False)):
        save_decoder(out / name, Qwen3ForCausalLM(Qwen3Config(**SMALL, head_dim=8, tie_word_embeddings=tied)))
    save_towers(out)
    save_onevision(out)


def save_full(out):
    torch.manual_seed(23)
    for name, model in (("qwen2.5", Qwen2ForCausalLM(Qwen2Config(**FULL_QWEN2_5))),
                        ("qwen3", Qwen3ForCausalLM(Qwen3Config(**FULL_QWEN3)))):
        randomised(model, 0.02)
        save(out / name, model, decoder_values(model, 33))
    fixed = randomised(SiglipModel(SiglipConfig(vision_config=FULL_TOWER | {"image_size": 384, "patch_size": 14},
                                                text_config=TEXT)), 0.02)
    save(out / "siglip2", fixed, fixed_states(fixed.vision_model))
    naflex = randomised(Siglip2Model(Siglip2Config(vision_config=FULL_TOWER | {"num_patches": 256, "patch_size": 16},
                                                   text_config=TEXT)), 0.02)
    save(out / "siglip2-naflex", naflex, naflex_states(naflex.vision_model, 24))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "tests/golden/newer", help="folder to write")
    parser.add_argument("--full-size", type=Path, metavar="DIR", help="write the full-size layers here instead")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.full_size:
        save_full(options.full_size)
    else:
        save_small(options.out)


if __name__ == "__main__":
    main()
