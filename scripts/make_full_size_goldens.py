#!/usr/bin/env python3
"""Writes layers of LLaVA-1.5 and MiniGPT-4 at full size with random weights, and what transformers computes with them.

    scripts/make_full_size_goldens.py FOLDER     # 2 GB, not in the repository
    CCEXPERT_FULL_SIZE_BASES=FOLDER build/release/tests/model_tests --gtest_filter='BasesAtFullSize*'

FOLDER/llava15 is a LLaVA-1.5 in the llava-hf layout with two blocks of CLIP ViT-L/14-336 (the features are those of the
first), the projector, and one block of LLaMA-7B. FOLDER/minigpt4 has one block of EVA-CLIP ViT-g/14-224 under its own
names, and two layers of BLIP-2's Q-Former, of which the first reads the image, with the projection to 4096 features.
Values are those of transformers, in float32. The block of EVA is also computed by timm's eva_giant_patch14_224; the
script prints the largest difference between both.

The Python that runs this script needs: torch, transformers 5, timm, safetensors.
"""

import argparse
from pathlib import Path

import timm
import torch
import transformers
from safetensors.torch import save_file
from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

IMAGE, VOCABULARY = 990, 1000


def randomized(model, generator):
    for name, parameter in model.named_parameters():
        values = torch.randn(parameter.shape, generator=generator) * (0.02 if parameter.dim() > 1 else 0.1)
        parameter.data.copy_(values + (1 if "norm" in name.lower() and name.endswith("weight") else 0))
    return model.eval()


def save(tensors, file):
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}, file)


@torch.no_grad()
def write_llava15(folder, generator):
    vision = CLIPVisionConfig(hidden_size=1024, intermediate_size=4096, num_hidden_layers=2, num_attention_heads=16,
                              image_size=336, patch_size=14)
    text = LlamaConfig(vocab_size=VOCABULARY, num_hidden_layers=1, rms_norm_eps=1e-5)
    model = randomized(LlavaForConditionalGeneration(LlavaConfig(
        vision_config=vision, text_config=text, image_token_index=IMAGE, vision_feature_layer=-2,
        vision_feature_select_strategy="default")), generator)
    model.save_pretrained(folder)
    pixels = torch.randn(2, 3, 336, 336, generator=generator)
    states = model.model.vision_tower(pixels, output_hidden_states=True).hidden_states
    tokens = model.model.multi_modal_projector(states[-2][:, 1:])
    ids = torch.randint(0, IMAGE, (1, 64), generator=generator)
    run = [IMAGE] * tokens.shape[1]
    whole = torch.tensor([[1, 5, *run, 7, *run, 8, 9]])
    save({"pixels": pixels, "hidden.0": states[0], "hidden.1": states[1], "image_tokens": tokens, "text.ids": ids[0],
          "text.logits": model(input_ids=ids).logits[0],
          "logits": model(input_ids=whole, pixel_values=pixels).logits[0, -3:]}, folder / "expected.safetensors")


def transformers_tower(weights):
    """Returns transformers' tower of one block with the weights of timm's."""
    tower = transformers.Blip2VisionModel(transformers.Blip2VisionConfig(num_hidden_layers=1)).eval()
    zeros = torch.zeros_like(weights["blocks.0.attn.q_bias"])
    bias = torch.cat([weights["blocks.0.attn.q_bias"], zeros, weights["blocks.0.attn.v_bias"]])
    block = "encoder.layers.0."
    own = {"embeddings.class_embedding": weights["cls_token"], "embeddings.position_embedding": weights["pos_embed"],
           "embeddings.patch_embedding.weight": weights["patch_embed.proj.weight"],
           "embeddings.patch_embedding.bias": weights["patch_embed.proj.bias"],
           block + "self_attn.qkv.weight": weights["blocks.0.attn.qkv.weight"], block + "self_attn.qkv.bias": bias}
    for name, timm_name in (("self_attn.projection", "attn.proj"), ("layer_norm1", "norm1"), ("layer_norm2", "norm2"),
                            ("mlp.fc1", "mlp.fc1"), ("mlp.fc2", "mlp.fc2")):
        own |= {f"{block}{name}.{part}": weights[f"blocks.0.{timm_name}.{part}"] for part in ("weight", "bias")}
    missing, unexpected = tower.load_state_dict(own, strict=False)
    assert not unexpected and all(name.startswith("post_layernorm") for name in missing), (missing, unexpected)
    return tower


@torch.no_grad()
def write_eva(folder, generator):
    """Returns the values of the tower."""
    eva = randomized(timm.create_model("eva_giant_patch14_224", pretrained=False, depth=1, num_classes=0), generator)
    weights = {name: value for name, value in eva.state_dict().items() if not name.startswith(("norm", "fc_norm", "head"))}
    pixels = torch.randn(2, 3, 224, 224, generator=generator)
    tower = transformers_tower(weights)
    embedded = tower.embeddings(pixels)
    state = tower.encoder.layers[0](embedded)
    state = state[0] if isinstance(state, tuple) else state
    of_timm = torch.cat([eva.cls_token.expand(2, -1, -1), eva.patch_embed(pixels)], 1) + eva.pos_embed
    of_timm = eva.blocks[0](of_timm)
    print(f"EVA block, transformers and timm: largest difference {(state - of_timm).abs().max().item():.2g} "
          f"of values up to {state.abs().max().item():.3g}")
    save(weights, folder / "eva.safetensors")
    return {"pixels": pixels, "hidden.0": embedded, "hidden.1": state}


@torch.no_grad()
def write_qformer(folder, values, generator):
    qformer = randomized(transformers.Blip2QFormerModel(transformers.Blip2QFormerConfig(num_hidden_layers=2)), generator)
    norm = randomized(torch.nn.LayerNorm(1408), generator)  # with PyTorch's epsilon, as in MiniGPT-4
    projection = randomized(torch.nn.Linear(768, 4096), generator)
    queries = torch.randn(1, 32, 768, generator=generator) * 0.02
    normed = norm(values["hidden.1"])
    read = qformer(query_embeds=queries.expand(2, -1, -1), encoder_hidden_states=normed).last_hidden_state
    weights = {"qformer." + name: value for name, value in qformer.state_dict().items()}
    for prefix, module in (("ln_vision", norm), ("llama_proj", projection)):
        weights |= {f"{prefix}.{name}": value for name, value in module.state_dict().items()}
    save(weights | {"query_tokens": queries}, folder / "qformer.safetensors")
    save(values | {"normed": normed, "queries": read, "tokens": projection(read)}, folder / "expected.safetensors")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(29)
    write_llava15(folder / "llava15", generator)
    values = write_eva(folder / "minigpt4", generator)
    write_qformer(folder / "minigpt4", values, generator)


if __name__ == "__main__":
    main()
