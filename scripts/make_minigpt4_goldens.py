#!/usr/bin/env python3
"""Writes tests/golden/minigpt4: a tiny MiniGPT-4 of random weights in the files that people have, with values of
transformers.

    scripts/make_minigpt4_goldens.py

The files have the names and the structure of the published ones: eva_vit_g.pth (EVA-CLIP, one block more than is
used), blip2.pth (Q-Former and norm, under "model"), minigpt4.pth (projection, beside optimizer, config and scaler),
vicuna (a LLaMA folder with a sentencepiece tokenizer). Weights are stored in float16 and computed with in float32.
expected.safetensors has the values of Blip2VisionModel, Blip2QFormerModel and LlamaForCausalLM; expected.json has token
ids of sentencepiece. Needs torch, transformers, sentencepiece and safetensors.
"""

import argparse
import json
import sys
from pathlib import Path

try:
    import sentencepiece
    import torch
    import transformers
    from safetensors.torch import save_file
except ImportError as error:
    sys.exit(f"make_minigpt4_goldens.py: needs the Python packages torch, transformers, sentencepiece and safetensors "
             f"({error.name} is missing)")

OUT = Path(__file__).resolve().parent.parent / "tests" / "golden" / "minigpt4"
WIDTH, BLOCKS, QUERIES, QUERY_WIDTH, LANGUAGE_WIDTH = 88, 2, 4, 64, 32
QUESTION = "Which buildings are new?"
CAPTION = "a house is built on the bare land"


def randomize(module, generator):
    """Draws weights that float16 holds exactly; large enough that each part shows in the result."""
    for name, parameter in module.named_parameters():
        values = torch.randn(parameter.shape, generator=generator) * (0.15 if parameter.dim() > 1 else 0.1)
        if "norm" in name.lower() and name.endswith("weight"):
            values += 1
        parameter.data.copy_(values.half().float())
    return module.eval()


def make_tower(generator, heads):
    config = transformers.Blip2VisionConfig(
        hidden_size=WIDTH, intermediate_size=40, num_hidden_layers=BLOCKS + 1, num_attention_heads=heads, image_size=18,
        patch_size=4, attn_implementation="eager")
    tower = randomize(transformers.Blip2VisionModel(config), generator)
    for layer in tower.encoder.layers:
        layer.self_attn.qkv.bias.data[WIDTH:2 * WIDTH] = 0  # EVA's keys have no bias
    return tower


def make_qformer(generator, heads):
    config = transformers.Blip2QFormerConfig(
        hidden_size=QUERY_WIDTH, intermediate_size=32, num_hidden_layers=2, num_attention_heads=heads,
        encoder_hidden_size=WIDTH, cross_attention_frequency=2, attn_implementation="eager")
    return randomize(transformers.Blip2QFormerModel(config), generator)


def make_decoder(generator, vocabulary):
    config = transformers.LlamaConfig(
        hidden_size=LANGUAGE_WIDTH, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2,
        vocab_size=vocabulary, rms_norm_eps=1e-6, rope_theta=10000.0, tie_word_embeddings=False,
        attn_implementation="eager")
    return randomize(transformers.LlamaForCausalLM(config), generator)


def eva_names(tower):
    """Returns the weights under the names of eva_vit_g.pth."""
    state = tower.state_dict()
    tensors = {"cls_token": state["embeddings.class_embedding"], "pos_embed": state["embeddings.position_embedding"],
               "patch_embed.proj.weight": state["embeddings.patch_embedding.weight"],
               "patch_embed.proj.bias": state["embeddings.patch_embedding.bias"]}
    for i, layer in enumerate(tower.encoder.layers):
        block, attention = f"blocks.{i}.", layer.self_attn
        q_bias, _, v_bias = attention.qkv.bias.data.chunk(3)
        tensors |= {block + "attn.q_bias": q_bias, block + "attn.v_bias": v_bias,
                    block + "attn.qkv.weight": attention.qkv.weight.data}
        for own, part in (("norm1", layer.layer_norm1), ("attn.proj", attention.projection), ("norm2", layer.layer_norm2),
                          ("mlp.fc1", layer.mlp.fc1), ("mlp.fc2", layer.mlp.fc2)):
            tensors |= {f"{block}{own}.weight": part.weight.data, f"{block}{own}.bias": part.bias.data}
    return tensors


def blip2_names(qformer, queries, norm):
    """Returns the weights under the names of BLIP-2's checkpoint, with some of the parts that MiniGPT-4 leaves out."""
    tensors = {"query_tokens": queries, "ln_vision.weight": norm.weight.data, "ln_vision.bias": norm.bias.data,
               "t5_proj.weight": torch.zeros(2, QUERY_WIDTH), "Qformer.bert.embeddings.position_ids": torch.arange(4)[None]}
    for name, value in qformer.state_dict().items():
        name = name.replace("attention.attention.", "attention.self.").replace("layernorm.", "embeddings.LayerNorm.")
        tensors["Qformer.bert." + name] = value
        if "_query." in name:  # the path of text, which is not used
            tensors["Qformer.bert." + name.replace("_query", "")] = torch.zeros_like(value)
    return tensors


def stored(tensors):
    return {name: (value.half() if value.is_floating_point() else value).clone() for name, value in tensors.items()}


def save_projection(path, projection):
    """Writes what MiniGPT-4's training saves: the trained weights beside the state of the training."""
    optimizer = torch.optim.AdamW(projection.parameters(), lr=1e-4)
    projection(torch.ones(1, QUERY_WIDTH)).sum().backward()
    before = {name: value.clone() for name, value in projection.state_dict().items()}
    optimizer.step()
    projection.load_state_dict(before)
    state = {f"llama_proj.{name}": value for name, value in stored(projection.state_dict()).items()}
    torch.save({"model": state, "optimizer": optimizer.state_dict(), "config": {"run": {"lr": 1e-4, "amp": True}},
                "scaler": {"scale": 65536.0, "growth_interval": 2000}, "epoch": 4}, path)


def make_tokenizer(folder):
    words = ("Human Assistant Img image the first second Image1 Image2 This is What difference happened from to a house "
             "is built on the bare land road trees are new no change").split()
    text = [" ".join(words[i:] + words[:i]) + ".?:" for i in range(len(words))]
    text += ["###Human: <Img></Img> text ###Assistant: a scene###"] * 40
    folder.mkdir(parents=True, exist_ok=True)
    prefix = folder / "tokenizer"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text), model_prefix=str(prefix), vocab_size=420, model_type="bpe", byte_fallback=True,
        normalization_rule_name="identity", split_digits=True, allow_whitespace_only_pieces=True,
        remove_extra_whitespaces=False, hard_vocab_limit=False, minloglevel=2, num_threads=1)
    (folder / "tokenizer.vocab").unlink()
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "add_eos_token": False, "bos_token": "<s>",
         "eos_token": "</s>", "unk_token": "<unk>"}, indent=2) + "\n")
    return sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))


def prompt_pieces():
    return ["###Human: <Img>", "</Img> <Img>", f"</Img> {QUESTION} ###Assistant: "]


def token_ids(tokenizer):
    """Returns the ids as MiniGPT-4 makes them: each text between images is tokenised by itself, and the answer too."""
    ids = [tokenizer.bos_id()]
    for i, piece in enumerate(prompt_pieces()):
        ids += ([-200] if i else []) + tokenizer.encode(piece)
    return ids, tokenizer.encode(CAPTION + "###")


def vicuna_config(config, vocabulary):
    """Returns config.json as of old LLaMA folders, which leave out rope_theta and num_key_value_heads."""
    return {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "bos_token_id": 1, "eos_token_id": 2,
            "hidden_act": "silu", "hidden_size": config.hidden_size, "intermediate_size": config.intermediate_size,
            "max_position_embeddings": 2048, "num_attention_heads": config.num_attention_heads,
            "num_hidden_layers": config.num_hidden_layers, "pad_token_id": 0, "rms_norm_eps": config.rms_norm_eps,
            "tie_word_embeddings": False, "torch_dtype": "float16", "vocab_size": vocabulary}


@torch.no_grad()
def references(tower, qformer, queries, projection, decoder, ids, pixels):
    values = {}
    for heads in (1, 4):
        for layer in tower.encoder.layers:
            layer.self_attn.num_heads, layer.self_attn.head_dim = heads, WIDTH // heads
            layer.self_attn.scale = (WIDTH // heads) ** -0.5
        x = tower.embeddings(pixels)
        states = [x]
        for layer in tower.encoder.layers[:BLOCKS]:
            x = layer(x)
            states.append(x)
        values |= {f"hidden.{heads}.{i}": state for i, state in enumerate(states)}
        # MiniGPT-4's norm has PyTorch's epsilon, transformers' has the tower's.
        normed = torch.nn.functional.layer_norm(x, (WIDTH,), tower.post_layernorm.weight, tower.post_layernorm.bias, 1e-5)
        for layer in qformer.encoder.layer:
            for attention in (layer.attention, getattr(layer, "crossattention", None)):
                if attention is not None:
                    inner = attention.attention
                    inner.num_attention_heads, inner.attention_head_size = heads, QUERY_WIDTH // heads
                    inner.scaling = (QUERY_WIDTH // heads) ** -0.5
        read = qformer(query_embeds=queries.expand(len(pixels), -1, -1), encoder_hidden_states=normed).last_hidden_state
        values |= {f"normed.{heads}": normed, f"queries.{heads}": read, f"tokens.{heads}": projection(read)}
    embeddings, image = [], 0
    for token in ids:
        embeddings.append(values["tokens.1"][image] if token < 0 else decoder.model.embed_tokens(torch.tensor([token])))
        image += token < 0
    values["logits"] = decoder(inputs_embeds=torch.cat(embeddings)[None]).logits[0]
    return values


def main():
    argparse.ArgumentParser(description=__doc__.split("\n\n")[0]).parse_args()
    generator = torch.Generator().manual_seed(23)
    tokenizer = make_tokenizer(OUT / "vicuna")
    vocabulary = tokenizer.vocab_size()
    tower, qformer = make_tower(generator, 1), make_qformer(generator, 1)
    decoder = make_decoder(generator, vocabulary)
    queries = torch.randn(1, QUERIES, QUERY_WIDTH, generator=generator).half().float()
    projection = randomize(torch.nn.Linear(QUERY_WIDTH, LANGUAGE_WIDTH), generator)
    pixels = torch.randn(2, 3, 18, 18, generator=generator)
    torch.save(stored(eva_names(tower)), OUT / "eva_vit_g.pth")
    torch.save({"model": stored(blip2_names(qformer, queries, tower.post_layernorm))}, OUT / "blip2.pth")
    ids, answer = token_ids(tokenizer)
    values = references(tower, qformer, queries, projection, decoder, ids, pixels)
    with torch.enable_grad():
        save_projection(OUT / "minigpt4.pth", projection)
    save_file(stored(decoder.state_dict()), OUT / "vicuna" / "model.safetensors", {"format": "pt"})
    (OUT / "vicuna" / "config.json").write_text(json.dumps(vicuna_config(decoder.config, vocabulary), indent=2) + "\n")
    save_file({"pixels": pixels} | {name: value.contiguous().clone() for name, value in values.items()},
              OUT / "expected.safetensors")
    expected = {"question": QUESTION, "caption": CAPTION, "prompt": ids, "answer": answer,
                "transformers": transformers.__version__}
    (OUT / "expected.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main()
