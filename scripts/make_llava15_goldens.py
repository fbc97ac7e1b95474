#!/usr/bin/env python3
"""Writes tests/golden/llava15: a small random LLaVA-1.5 in the llava-hf layout, and what transformers computes with it.

    scripts/make_llava15_goldens.py [--output FOLDER]

The tower is CLIP with 4 blocks of 64 features and 4 x 4 patches, the decoder LLaMA with 2 blocks of 32 features. Weights
are random and bfloat16; all values are computed in float32. The tokenizer is that of tests/golden/llama_tokenizer with
<image> and <pad> after its pieces, as in llava-hf/llava-1.5-7b-hf.

expected.safetensors: `pixels` [2,3,28,28] of the two images, `hidden.0` to `hidden.4` of the tower with its class token,
`image_tokens` [2,16,32] after the projector, `text.ids` and `text.logits` of the decoder alone, `logits` of the whole
prompt. expected.json: the question, the prompt, its ids with -200 for each image as LLaVA's tokenizer_image_token gives
(sentencepiece on each piece of text, one <s> in front), the greedy ids, their smallest margin, and a training caption
with the ids of the whole conversation and the number of targets.

The Python that runs this script needs: torch, transformers 5, sentencepiece, safetensors.
"""

import argparse
import copy
import json
import shutil
from pathlib import Path

import sentencepiece
import torch
from safetensors.torch import save_file
from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

DATA = Path(__file__).resolve().parent.parent / "tests" / "golden"
TOKENIZER = DATA / "llama_tokenizer"
QUESTION = ("This is the Image1 <image>. This is the second Image2 <image>.\n"
            "What difference happened from Image1 to Image2?")
SYSTEM = ("A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, "
          "detailed, and polite answers to the user's questions.")
PROMPT = f"{SYSTEM} USER: {QUESTION} ASSISTANT:"
CAPTION = "a road is built on the bareland ."
IMAGE, PAD, ROWS, STOP = 640, 641, 704, 2
PATCHES, NEW_TOKENS = 16, 12


def small_model():
    vision = CLIPVisionConfig(hidden_size=64, intermediate_size=128, num_hidden_layers=4, num_attention_heads=2,
                              image_size=28, patch_size=7, hidden_act="quick_gelu", layer_norm_eps=1e-5)
    text = LlamaConfig(vocab_size=ROWS, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
                       num_key_value_heads=4, rms_norm_eps=1e-5, rope_theta=10000.0, max_position_embeddings=4096)
    config = LlavaConfig(vision_config=vision, text_config=text, image_token_index=IMAGE, vision_feature_layer=-2,
                         vision_feature_select_strategy="default", projector_hidden_act="gelu")
    torch.manual_seed(15)
    model = LlavaForConditionalGeneration(config).eval()
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1 or "class_embedding" in name:
            torch.nn.init.normal_(parameter, 0.0, 0.9 if "embed_tokens" in name or "lm_head" in name else 0.12)
        elif name.endswith("bias"):
            torch.nn.init.normal_(parameter, 0.0, 0.05)
        else:
            torch.nn.init.normal_(parameter, 1.0, 0.1)
        parameter.data = parameter.data.bfloat16().float()
    return model


def ids_of(text):
    """Returns ids with -200 for each image, as LLaVA does: each piece of text is one text for sentencepiece."""
    model = sentencepiece.SentencePieceProcessor(model_file=str(TOKENIZER / "tokenizer.model"))
    ids = [1]
    for i, piece in enumerate(text.split("<image>")):
        ids += ([-200] if i > 0 else []) + model.encode(piece)
    return ids


def greedy(model, ids, pixels):
    """Generates with transformers' own forward pass, in which each image is a run of image tokens."""
    expanded = [token for each in ids for token in ([IMAGE] * PATCHES if each == -200 else [each])]
    generated, margins, first = [], [], None
    for _ in range(NEW_TOKENS):
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([expanded + generated]), pixel_values=pixels).logits[0]
        first = logits if first is None else first
        best = logits[-1].topk(2)
        margins.append((best.values[0] - best.values[1]).item())
        generated.append(best.indices[0].item())
        if generated[-1] == STOP:
            break
    return first, generated, min(margins)


def write_tokenizer(folder):
    root = json.loads((TOKENIZER / "legacy" / "tokenizer.json").read_text())
    for token, text in ((IMAGE, "<image>"), (PAD, "<pad>")):
        root["added_tokens"].append({"id": token, "content": text, "single_word": False, "lstrip": False, "rstrip": False,
                                     "normalized": False, "special": True})
    (folder / "tokenizer.json").write_text(json.dumps(root, ensure_ascii=False, separators=(",", ":")) + "\n")


def write_golden(folder):
    shutil.rmtree(folder, ignore_errors=True)
    model = small_model()
    copy.deepcopy(model).bfloat16().save_pretrained(folder)  # a model that was bfloat16 keeps rounded rotary frequencies
    (folder / "generation_config.json").unlink(missing_ok=True)
    write_tokenizer(folder)
    generator = torch.Generator().manual_seed(7)
    pixels = torch.randn(2, 3, 28, 28, generator=generator)
    ids, text = ids_of(PROMPT), ids_of("the road is wide")
    with torch.no_grad():
        states = model.model.vision_tower(pixels, output_hidden_states=True).hidden_states
        tokens = model.model.multi_modal_projector(states[-2][:, 1:])
        alone = model(input_ids=torch.tensor([text])).logits[0]
    logits, generated, margin = greedy(model, ids, pixels)
    tensors = {"pixels": pixels, "image_tokens": tokens, "text.ids": torch.tensor(text, dtype=torch.int32),
               "text.logits": alone, "logits": logits[-8:]} | {f"hidden.{i}": state for i, state in enumerate(states)}
    save_file({name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}, folder / "expected.safetensors")
    whole = ids_of(f"{PROMPT} {CAPTION}") + [STOP]
    expected = {"question": QUESTION, "prompt": PROMPT, "ids": ids, "generated": generated, "margin": margin,
                "caption": CAPTION, "training_ids": whole, "targets": len(whole) - len(ids)}
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
    print(f"{sum(p.numel() for p in model.parameters())} parameters, greedy {generated}, margin {margin:.4f}")
    print(sorted(model.state_dict())[:3])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=DATA / "llava15")
    write_golden(parser.parse_args().output)


if __name__ == "__main__":
    main()
