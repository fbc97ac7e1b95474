#!/usr/bin/env python3
"""Writes tests/golden/generation/expected.json: results of transformers' `generate` on the small checkpoint.

    scripts/make_generation_goldens.py [--output FILE]

The decoder of tests/golden/checkpoint-tiny gets embeddings (`inputs_embeds`), as in the reference implementation: those of
a prompt's token ids, with the image tokens of the checkpoint's expected.safetensors in place of each -200. Penalties
then apply only to generated tokens. The prompts ask with random tokens, since a penalty of 1.1 changes nothing in the
confident answers to the question of the training.

Each case has a prompt (`image`: the pair of expected.safetensors, `ids`) and `runs`: settings under the names of
generation_config.json, and the generated `ids`. A sampling run also has `steps`: the tokens that can be drawn at each
step after the ids drawn so far, and their probabilities.

The Python that runs this script needs: torch (of the version of the build's LibTorch), transformers 5, safetensors.
"""

import argparse
import json
import warnings
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import Qwen2Config, Qwen2ForCausalLM

DATA = Path(__file__).resolve().parent.parent / "tests" / "golden"
CHECKPOINT = DATA / "checkpoint-tiny"
IMAGE = -200
STOP_IDS = [482, 480]
SIZES = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
         "num_key_value_heads", "rope_theta", "rms_norm_eps", "tie_word_embeddings", "hidden_act")
RUNS = [{"repetition_penalty": 1.0},
        {"repetition_penalty": 1.1},
        {"repetition_penalty": 0.9},
        {"repetition_penalty": 1.1, "min_new_tokens": 12},
        {"repetition_penalty": 1.0, "num_beams": 3},
        {"repetition_penalty": 1.1, "num_beams": 3},
        {"repetition_penalty": 1.3, "num_beams": 4, "length_penalty": 0.5, "min_new_tokens": 6},
        {"repetition_penalty": 1.1, "do_sample": True, "temperature": 0.7, "top_k": 20, "top_p": 0.8}]
PROMPTS = 6
NEW_TOKENS = 16


def load_decoder():
    config = json.loads((CHECKPOINT / "config.json").read_text())
    model = Qwen2ForCausalLM(Qwen2Config(**{key: config[key] for key in SIZES})).eval()
    weights = {}
    for file in sorted(CHECKPOINT.glob("model-*.safetensors")):
        weights.update(load_file(file))
    model.load_state_dict({name: weights[name].float() for name in model.state_dict()})
    return model


def prompt_ids(seed, reference):
    """Returns the reference's prompt with another question: random tokens around two images."""
    torch.manual_seed(seed)
    words = torch.randint(256, 480, (12,)).tolist()
    begin, end = reference.index(481, 1) + 4, len(reference) - 8  # after "user\n", before the end of its turn
    return reference[:begin] + [IMAGE] + words[:4] + [IMAGE] + words[4:] + reference[end:]


def embeddings(model, ids, images):
    parts, image = [], iter(images)
    for token in ids:
        parts.append(next(image) if token == IMAGE else model.model.embed_tokens.weight[[token]])
    return torch.cat(parts).unsqueeze(0)


def generate(model, inputs, settings):
    torch.manual_seed(1)
    options = {"do_sample": False, "early_stopping": "never"} | settings
    if "num_beams" not in settings:
        options.pop("early_stopping")
    if not options["do_sample"]:
        options |= {"temperature": None, "top_k": None, "top_p": None}
    with torch.no_grad():
        out = model.generate(inputs_embeds=inputs, attention_mask=torch.ones(inputs.shape[:2], dtype=torch.long),
                             eos_token_id=STOP_IDS, pad_token_id=STOP_IDS[-1], max_new_tokens=NEW_TOKENS,
                             return_dict_in_generate=True, output_scores=True, **options)
    run = {"settings": settings, "ids": out.sequences[0].tolist()}
    if options["do_sample"]:
        run["steps"] = []
        for scores in out.scores:
            probabilities = torch.softmax(scores[0], 0)
            kept = probabilities.nonzero().flatten().tolist()
            run["steps"].append({str(token): round(probabilities[token].item(), 6) for token in kept})
    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=DATA / "generation" / "expected.json")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")  # the warning that the penalty ignores the prompt
    torch.set_num_threads(1)
    model = load_decoder()
    reference = json.loads((CHECKPOINT / "expected.json").read_text())["pairs"][0]["ids"]
    tensors = load_file(CHECKPOINT / "expected.safetensors")
    cases, changed = [], 0
    for seed in range(PROMPTS):
        image = seed % 3
        ids = prompt_ids(seed, reference)
        inputs = embeddings(model, ids, tensors[f"{image}.image_tokens"])
        runs = [generate(model, inputs, settings) for settings in RUNS]
        changed += runs[0]["ids"] != runs[1]["ids"]
        cases.append({"image": image, "ids": ids, "runs": runs})
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(case) for case in cases)
    arguments.output.write_text(f'{{"stop_ids": {STOP_IDS}, "max_new_tokens": {NEW_TOKENS}, "cases": [\n{lines}\n]}}\n')
    print(f"{len(cases)} prompts; a penalty of 1.1 changes the greedy caption of {changed}")


if __name__ == "__main__":
    main()
