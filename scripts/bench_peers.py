#!/usr/bin/env python3
"""Times ccexpert-caption and the same model in Python on the same work in the same run.

    scripts/bench_peers.py --model CHECKPOINT --before A/ --after B/ --new-tokens 24 --threads 2 --repeat 3

Both sides load the same checkpoint folder, read the same images and the same question, and generate the same number
of tokens greedily, one pair at a time. They alternate, each run in a separate process: ours, theirs, ours, ...;
the table shows the medians, the JSON file (--output) every run. The Python side is transformers (SigLIP cut after the
last block needed, Qwen2, both with PyTorch's scaled dot product attention) and the Diff Expert in plain PyTorch. In
float32 both must generate the same token ids; otherwise the exit code is 1. Random weights tend to repeat one token;
the log-probabilities, which are compared too, are then more informative than the ids.

Rows: load is once per process; preprocess (resize and normalise), vision (two images), diff_expert (including the
projector), prefill (up to the first token's logits) and decode (the other tokens) are seconds per pair, and caption is
their sum. None of them includes decoding of image files. process is the whole process from start to exit, for all
pairs, and for Python includes its imports. Tokens/s are the tokens after the first one divided by the time of decode.
Peak memory is the largest resident set of the process, including pages of mapped weight files.

The Python that runs this script needs: torch, transformers 5, safetensors, tokenizers, pillow, numpy. Use torch in
the version of the build's LibTorch (2.11.0); otherwise two libraries are compared as well as two programs.
"""

import argparse
import datetime
import importlib.metadata
import importlib.util
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGES = {"torch": "torch", "transformers": "transformers", "safetensors": "safetensors",
            "tokenizers": "tokenizers", "PIL": "pillow", "numpy": "numpy"}
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp"}
STAGES = ("preprocess", "vision", "diff_expert", "prefill", "decode")
QUESTION = ("This is the Image1 <image>. This is the second Image2 <image>.\n"
            "What difference happened from Image1 to Image2?")
PROMPT = ("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
          f"{QUESTION}<|im_end|>\n<|im_start|>assistant\n")
SO400M = {"hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16,
          "image_size": 384, "patch_size": 14}
DIFF_EXPERT = {"per_expert_depth": 2, "attention_upsample_rate": 1}


class Failure(Exception):
    pass


# torch is imported only in the child process: the parent stays small, so that inherited memory does not count into the
# child's peak memory.
def diff_expert_module(config, width):
    """The Diff Expert in plain PyTorch; parameters are named as in the checkpoint. Features are [S*B,N,D]."""
    import torch
    from torch import nn
    from torch.nn import functional

    inner = width // config["attention_upsample_rate"]
    heads = width // 128

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.q_proj, self.k_proj, self.v_proj = (nn.Linear(width, inner) for _ in range(3))
            self.out_proj = nn.Linear(inner, width)

        def forward(self, q, k, v):
            def split(x):
                return x.unflatten(-1, (heads, inner // heads)).transpose(1, 2)

            x = functional.scaled_dot_product_attention(split(self.q_proj(q)), split(self.k_proj(k)),
                                                        split(self.v_proj(v)))
            return self.out_proj(x.transpose(1, 2).flatten(2))

    class Init(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear_mapping, self.proj = nn.Linear(2 * width, width), nn.Linear(3 * width, width)

        def forward(self, a, b):
            gated_a = a * torch.sigmoid(self.linear_mapping(torch.cat([a, b], -1)))
            gated_b = b * torch.sigmoid(self.linear_mapping(torch.cat([b, a], -1)))
            return self.proj(torch.cat([gated_a, gated_b, gated_a - gated_b], -1))

    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.change_self_attn, self.cross_attn_change_to_imageABC = Attention(), Attention()
            self.cross_attn_imageAB_to_change = Attention()
            self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width, eps=1e-5) for _ in range(3))
            self.mlp = nn.ModuleDict({"lin1": nn.Linear(width, 4 * width), "lin2": nn.Linear(4 * width, width)})
            self.image_a_flag_embed, self.image_b_flag_embed = nn.Embedding(1, width), nn.Embedding(1, width)
            self.change_flag_embed = nn.Embedding(1, width)

        def forward(self, a, b, q, position):
            placed_a = a + position + self.image_a_flag_embed.weight
            placed_b = b + position + self.image_b_flag_embed.weight
            place_q = position + self.change_flag_embed.weight
            q = self.norm1(q + self.change_self_attn(q + position, q + position, q))
            q = self.norm2(q + self.cross_attn_change_to_imageABC(
                q + place_q, torch.cat([placed_a, placed_b, q + place_q], 1), torch.cat([a, b, q], 1)))
            q = self.norm3(q + self.mlp["lin2"](functional.gelu(self.mlp["lin1"](q))))
            update = self.cross_attn_imageAB_to_change
            new_a = placed_a + update(placed_a, torch.cat([placed_a, q + place_q], 1), torch.cat([a, q], 1))
            new_b = placed_b + update(placed_b, torch.cat([placed_b, q + place_q], 1), torch.cat([b, q], 1))
            return new_a, new_b, q

    class Reduce(nn.Module):
        def __init__(self):
            super().__init__()
            self.feature_map_level_gate = nn.Sequential(nn.Linear(3 * width, width), nn.GELU(), nn.Linear(width, 1))

        def forward(self, a, b, q, scales):
            gate = torch.sigmoid(self.feature_map_level_gate(torch.cat([a.mean(1), b.mean(1), q.mean(1)], -1)))
            gate = gate.view(scales, -1, 1, 1)
            return [(gate * x.unflatten(0, (scales, -1))).sum(0) / (gate.sum(0) + 1e-6) for x in (a, b)]

    class DiffExpert(nn.Module):
        def __init__(self):
            super().__init__()
            self.expert_change_feature_extractor_model = Init()
            self.layers = nn.ModuleList(Layer() for _ in range(config["per_expert_depth"]))
            self.ChangeAwareTokenReduce = Reduce()

        def forward(self, before, after):
            """Maps the features of every scale, [B,N,D] each, to both dates' [B,N,D]."""
            a, b, q = torch.cat(before), torch.cat(after), None
            position = sine_positions(a.shape[1], width).to(a)
            for layer in self.layers:
                initial = self.expert_change_feature_extractor_model(a, b)
                a, b, q = layer(a, b, initial if q is None else q + initial, position)
            a, b = self.ChangeAwareTokenReduce(a, b, q, len(before))
            return a + before[-1], b + after[-1]

    return DiffExpert()


def sine_positions(patches, width):
    """Returns [N,D] float32: half of the features for the row, half for the column."""
    import torch
    side, half = math.isqrt(patches), width // 2
    place = (torch.arange(1, side + 1, dtype=torch.float32) - 0.5) / (side + 1e-6) * (2 * math.pi)
    angle = place[:, None] / 10000 ** (torch.arange(half, dtype=torch.float32) // 2 * 2 / half)
    line = torch.stack([angle[:, 0::2].sin(), angle[:, 1::2].cos()], 2).flatten(1)
    rows, columns = line[:, None].expand(side, side, half), line[None].expand(side, side, half)
    return torch.cat([rows, columns], 2).flatten(0, 1)


class Weights:
    """Returns the tensors of a checkpoint folder by name, in the computing precision."""

    def __init__(self, folder, dtype, device):
        from safetensors import safe_open
        self.dtype, self.device = dtype, device
        index = folder / "model.safetensors.index.json"
        if index.exists():
            files = sorted(set(json.loads(index.read_text())["weight_map"].values()))
        else:
            files = sorted(path.name for path in folder.glob("*.safetensors"))
        self.shards = [safe_open(folder / file, "pt") for file in files]
        self.places = {name: shard for shard in self.shards for name in shard.keys()}

    def load(self, module, prefix):
        """Fills a module that was created without values."""
        state = {name: self.places[prefix + name].get_tensor(prefix + name).to(self.device, self.dtype)
                 for name in module.state_dict() if prefix + name in self.places}
        module.load_state_dict(state, strict=False, assign=True)
        return module


class Peer:
    """The captioner in Python."""

    def __init__(self, folder, dtype, device):
        import torch
        import transformers
        self.dtype, self.device = dtype, device
        config = json.loads((folder / "config.json").read_text())
        self.vision_config = SO400M | config.get("vision_config", {})
        self.layers = self.hidden_states(config)
        weights = Weights(folder, dtype, device)
        width = self.vision_config["hidden_size"]
        with torch.device("meta"):
            vision = self.vision_module(transformers)
            expert = diff_expert_module(DIFF_EXPERT | config.get("cc_expert_args", {}), width)
            projector = torch.nn.Sequential(torch.nn.Linear(width, config["hidden_size"]), torch.nn.GELU(),
                                            torch.nn.Linear(config["hidden_size"], config["hidden_size"]))
            decoder = self.decoder_module(transformers, config)
        self.vision = weights.load(vision, "model.vision_tower.vision_tower.vision_model.")
        self.expert = weights.load(expert, "model.vision_resampler.")
        self.projector = weights.load(projector, "model.mm_projector.")
        self.decoder = weights.load(decoder, "")
        if "lm_head.weight" not in weights.places:
            self.decoder.lm_head.weight = self.decoder.model.embed_tokens.weight
        # Buffers that checkpoints do not contain.
        patches = (self.vision_config["image_size"] // self.vision_config["patch_size"]) ** 2
        self.vision.embeddings.position_ids = torch.arange(patches, device=device)[None]
        rotary = self.decoder.model.rotary_emb
        self.decoder.model.rotary_emb = type(rotary)(rotary.config).to(device)
        for module in (self.vision, self.expert, self.projector, self.decoder):
            module.eval()
            empty = [name for name, parameter in module.named_parameters() if parameter.is_meta]
            if empty:
                raise Failure(f"{folder}: expected tensors for {', '.join(empty[:3])}, got none")
        self.encode = self.tokenizer(transformers, folder)
        self.stop_ids = [self.encode(token)[0] for token in ("<|im_end|>", "<|endoftext|>")]

    def hidden_states(self, config):
        """Returns the indices of the hidden states in use: 0 is the embedding."""
        layers = config["mm_vision_select_layer"]
        layers = json.loads(layers) if isinstance(layers, str) else layers
        blocks = self.vision_config["num_hidden_layers"]
        return [layer + blocks + 1 if layer < 0 else layer for layer in layers]

    def vision_module(self, transformers):
        values = self.vision_config | {"num_hidden_layers": max(self.layers), "vision_use_head": False}
        config = transformers.SiglipVisionConfig(**values)
        config._attn_implementation = "sdpa"
        return transformers.SiglipVisionModel(config)

    @staticmethod
    def decoder_module(transformers, config):
        keys = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
                "num_key_value_heads", "rms_norm_eps", "hidden_act")
        rope = {"rope_type": "default", "rope_theta": config.get("rope_theta", 1e6)}
        values = {key: config[key] for key in keys} | {"rope_parameters": rope, "tie_word_embeddings": False}
        decoder_config = transformers.Qwen2Config(**values)
        decoder_config._attn_implementation = "sdpa"
        return transformers.Qwen2ForCausalLM(decoder_config)

    @staticmethod
    def tokenizer(transformers, folder):
        if (folder / "tokenizer.json").exists():
            from tokenizers import Tokenizer
            whole = Tokenizer.from_file(str(folder / "tokenizer.json"))
            return lambda text: whole.encode(text, add_special_tokens=False).ids
        parts = transformers.Qwen2Tokenizer.from_pretrained(folder)
        return lambda text: parts(text, add_special_tokens=False)["input_ids"]

    def preprocess(self, images):
        import numpy
        import torch
        from PIL import Image
        side = self.vision_config["image_size"]
        planes = []
        for image in images:
            pixels = numpy.asarray(image.resize((side, side), Image.Resampling.BICUBIC), dtype=numpy.float32)
            planes.append(((pixels * numpy.float32(1 / 255) - 0.5) / 0.5).transpose(2, 0, 1))
        return torch.from_numpy(numpy.stack(planes)).to(self.device, self.dtype)

    def vision_features(self, pixels):
        x, features = self.vision.embeddings(pixels), []
        for number in range(max(self.layers) + 1):
            if number > 0:
                x = self.vision.encoder.layers[number - 1](x, attention_mask=None)
            if number in self.layers:
                features.append(x)
        return features

    def prompt(self, images):
        import torch
        embed, pieces = self.decoder.get_input_embeddings(), []
        for number, text in enumerate(PROMPT.split("<image>")):
            if number > 0:
                pieces.append(images[number - 1])
            pieces.append(embed(torch.tensor(self.encode(text), device=self.device)))
        return torch.cat(pieces)[None]

    def caption(self, before, after, new_tokens, seconds):
        """Returns token ids and the sum of their log-probabilities; adds the time of every stage to `seconds`."""
        import torch
        from transformers import LogitsProcessor, LogitsProcessorList
        clock = Clock(seconds, self.device)
        pixels = self.preprocess([before, after])
        clock.stop("preprocess")
        features = self.vision_features(pixels)
        clock.stop("vision")
        images = torch.cat(self.expert([x[0::2] for x in features], [x[1::2] for x in features]))
        images = self.projector(images)
        clock.stop("diff_expert")
        clock.skip()
        prompt = self.prompt(images)

        class FirstLogits(LogitsProcessor):
            first = True

            def __call__(self, input_ids, scores):
                if self.first:
                    clock.stop("prefill")
                self.first = False
                return scores

        made = self.decoder.generate(
            inputs_embeds=prompt, attention_mask=torch.ones(prompt.shape[:2], dtype=torch.long, device=self.device),
            do_sample=False, num_beams=1, max_new_tokens=new_tokens, min_new_tokens=new_tokens,
            eos_token_id=self.stop_ids, pad_token_id=self.stop_ids[-1], output_logits=True,
            return_dict_in_generate=True, logits_processor=LogitsProcessorList([FirstLogits()]))
        clock.stop("decode")
        ids = made.sequences[0].tolist()
        logprobs = torch.cat(made.logits).float().log_softmax(-1)
        return ids, prompt.shape[1], sum(logprobs[i, token].item() for i, token in enumerate(ids))


class Clock:
    def __init__(self, seconds, device):
        self.seconds, self.device, self.start = seconds, device, time.perf_counter()

    def skip(self):
        import torch
        if self.device.startswith("cuda"):
            torch.cuda.synchronize()
        now = time.perf_counter()
        elapsed, self.start = now - self.start, now
        return elapsed

    def stop(self, stage):
        elapsed = self.skip()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + elapsed


def work_as_peer(job):
    """Runs all pairs of `job` in the child process; writes the measurements to job["result"]."""
    seconds = {}
    clock = Clock(seconds, "cpu")
    import torch
    import transformers
    from PIL import Image
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(job["threads"])
    clock.stop("imports")
    captions, all_prompts = {}, 0
    with torch.inference_mode():
        peer = Peer(Path(job["model"]), getattr(torch, job["dtype"]), job["device"])
        clock.stop("load")
        for pair in job["pairs"]:
            before, after = (Image.open(pair[date]).convert("RGB") for date in ("before", "after"))
            ids, prompt_tokens, logprob = peer.caption(before, after, job["new_tokens"], seconds)
            all_prompts += prompt_tokens
            captions[pair["uid"]] = {"ids": ids, "logprob": logprob}
    result = {"seconds": seconds, "prompt_tokens": all_prompts, "captions": captions}
    Path(job["result"]).write_text(json.dumps(result))


def run_process(command, threads, log):
    """Returns seconds and peak memory of a command; its output goes to `log`."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1",
                                "TOKENIZERS_PARALLELISM": "false"}
    start = time.perf_counter()
    with open(log, "wb") as output:
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
        try:
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:
            child.kill()
            raise
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if child.returncode != 0:
        lines = Path(log).read_text(errors="replace").strip().splitlines() or ["no output"]
        raise Failure(f"{Path(command[0]).name}: exit code {child.returncode}: {lines[-1]}")
    return seconds, usage.ru_maxrss * 1024


def summary(measured, captions, process, peak, args):
    """Runs one side once; returns seconds per pair and the results."""
    pairs, times = len(captions), measured["seconds"]
    stages = {stage: times[stage] / pairs for stage in STAGES}
    seconds = {"load": times["load"]} | stages | {"caption": sum(stages.values()), "process": process}
    speed = (args.new_tokens - 1) / stages["decode"] if stages["decode"] > 0 else 0.0
    return {"seconds": seconds, "imports": times.get("imports"), "tokens_per_second": speed,
            "prompt_tokens": measured["prompt_tokens"], "peak_memory_bytes": peak, "captions": captions}


def run_ours(args, pairs, folder):
    lists, output, timings = folder / "pairs.jsonl", folder / "ours.jsonl", folder / "timings.json"
    lists.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    count = str(args.new_tokens)
    process, peak = run_process(
        [args.ccexpert, "--model", args.model, "--pairs", lists, "--batch-size", "1", "--device", args.device,
         "--dtype", args.dtype, "--threads", str(args.threads), "--format", "jsonl", "--output", output, "--overwrite",
         "--max-new-tokens", count, "--min-new-tokens", count, "--repetition-penalty", "1",
         "--prompt-style", "reference", "--timings-file", timings, "--quiet"],
        args.threads, folder / "ours.log")
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    captions = {line["uid"]: {"ids": line["token_ids"], "logprob": line["logprob"]} for line in lines}
    return summary(json.loads(timings.read_text()), captions, process, peak, args)


def run_theirs(args, pairs, folder):
    job = {"model": str(args.model), "pairs": pairs, "dtype": args.dtype, "device": args.device,
           "threads": args.threads, "new_tokens": args.new_tokens, "result": str(folder / "theirs.json")}
    (folder / "job.json").write_text(json.dumps(job))
    process, peak = run_process([sys.executable, __file__, "--peer-job", folder / "job.json"], args.threads,
                                folder / "theirs.log")
    result = json.loads((folder / "theirs.json").read_text())
    return summary(result, result["captions"], process, peak, args)


def find_pairs(args):
    after = {path.name for path in args.after.iterdir()}
    names = sorted(path.name for path in args.before.iterdir()
                   if path.suffix.lower() in IMAGE_SUFFIXES and path.name in after)
    if not names:
        raise Failure(f"{args.before}, {args.after}: expected images of the same name in both, got none")
    return [{"uid": name, "before": str((args.before / name).resolve()), "after": str((args.after / name).resolve())}
            for name in names[:args.limit or None]]


def median_of(runs, *keys):
    def value(run):
        for key in keys:
            run = run[key]
        return run
    return statistics.median(value(run) for run in runs)


def medians(runs):
    seconds = {key: median_of(runs, "seconds", key) for key in runs[0]["seconds"]}
    return {"seconds": seconds, "tokens_per_second": median_of(runs, "tokens_per_second"),
            "peak_memory_bytes": median_of(runs, "peak_memory_bytes")}


def compare(runs):
    """Compares the captions of all runs."""
    first = runs["theirs"][0]["captions"]
    others = [run["captions"] for side in runs.values() for run in side]
    same = sum(all(other[uid]["ids"] == first[uid]["ids"] for other in others) for uid in first)
    gap = max(abs(other[uid]["logprob"] - first[uid]["logprob"]) for other in others for uid in first)
    return {"pairs": len(first), "same_ids": same, "largest_logprob_difference": gap,
            "distinct_ids": len({token for caption in first.values() for token in caption["ids"]})}


def table(report):
    ours, theirs = report["ours"]["median"], report["theirs"]["median"]
    rows = [(f"{key} s", ours["seconds"][key], theirs["seconds"][key]) for key in ours["seconds"]]
    rows.append(("decode tokens/s", ours["tokens_per_second"], theirs["tokens_per_second"]))
    rows.append(("peak memory GB", ours["peak_memory_bytes"] * 1e-9, theirs["peak_memory_bytes"] * 1e-9))
    lines = [f"{'':<18}{'ccexpert':>12}{'python':>12}{'ratio':>10}"]
    for name, mine, other in rows:
        ratio = f"{mine / other:.2f}" if other > 0 else "-"
        lines.append(f"{name:<18}{mine:>12.3f}{other:>12.3f}{ratio:>10}")
    return "\n".join(lines)


def machine():
    info = Path("/proc/cpuinfo")
    models = [line.partition(":")[2].strip() for line in info.read_text().splitlines()
              if line.startswith("model name")] if info.exists() else []
    return {"cpu": models[0] if models else platform.processor(), "cores": os.cpu_count(),
            "load_average": os.getloadavg()[0]}


def versions(args):
    own = subprocess.run([args.ccexpert, "--version"], capture_output=True, text=True, check=True)
    packages = {name: importlib.metadata.version(name) for name in PACKAGES.values()}
    return {"ccexpert": own.stdout.strip(), "python": platform.python_version()} | packages


def check(args):
    missing = [package for module, package in PACKAGES.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise Failure(f"{sys.executable} has no {', '.join(missing)}; pip install {' '.join(missing)}, or start this "
                      "script with a Python that has them")
    if int(importlib.metadata.version("transformers").split(".")[0]) < 5:
        raise Failure(f"expected transformers 5 or newer, got {importlib.metadata.version('transformers')}")
    if not args.ccexpert.is_file():
        raise Failure(f"{args.ccexpert}: expected the program ccexpert-caption, got nothing (build it, or --ccexpert)")
    if json.loads((args.model / "config.json").read_text()).get("mm_resampler_type") != "cc_expert":
        raise Failure(f"{args.model}: expected a checkpoint with Diff Expert in the authors' layout")
    if args.new_tokens < 2 or args.repeat < 1 or args.threads < 1:
        raise Failure("expected --new-tokens of at least 2, --repeat and --threads of at least 1")


def measure(args, pairs):
    runs = {"ours": [], "theirs": []}
    with tempfile.TemporaryDirectory(prefix="ccexpert-bench-") as name:
        for turn in range(1, args.repeat + 1):
            for side, run in (("ours", run_ours), ("theirs", run_theirs)):
                runs[side].append(run(args, pairs, Path(name)))
                print(f"run {turn} of {args.repeat}, {side}: {runs[side][-1]['seconds']['process']:.1f} s",
                      file=sys.stderr)
    return runs


def bench(args):
    check(args)
    pairs = find_pairs(args)
    computer = machine()
    if computer["load_average"] > 0.5:
        print(f"warning: this machine is busy (load {computer['load_average']:.1f}); these times mean little",
              file=sys.stderr)
    runs = measure(args, pairs)
    agreement = compare(runs)
    options = {key: str(value) if isinstance(value, Path) else value for key, value in vars(args).items()
               if key != "peer_job"}
    report = {"date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"), "machine": computer,
              "versions": versions(args), "options": options, "agreement": agreement}
    for side, side_runs in runs.items():
        report[side] = {"median": medians(side_runs), "runs": side_runs}
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(json.dumps(report, indent=2) + "\n")
    return tell(args, report)


def tell(args, report):
    agreement = report["agreement"]
    print(f"{agreement['pairs']} pairs, {args.new_tokens} tokens each, {args.dtype}, {args.threads} threads, "
          f"medians of {args.repeat} runs; ratio below 1: ccexpert needs less\n")
    print(table(report))
    equal = agreement["same_ids"] == agreement["pairs"]
    print(f"\ntoken ids: {'the same' if equal else 'DIFFERENT'} ({agreement['same_ids']} of {agreement['pairs']} "
          f"pairs, {agreement['distinct_ids']} distinct ids); log-probabilities of captions differ by at most "
          f"{agreement['largest_logprob_difference']:.2g}")
    print(f"all runs: {args.output}")
    return 0 if equal or args.dtype != "float32" else 1


def parse_arguments():
    if sys.argv[1:2] == ["--peer-job"]:
        return argparse.Namespace(peer_job=Path(sys.argv[2]))
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], allow_abbrev=False)
    parser.add_argument("--model", type=Path, required=True, metavar="DIR", help="checkpoint, authors' layout")
    parser.add_argument("--before", type=Path, required=True, metavar="DIR", help="earlier images")
    parser.add_argument("--after", type=Path, required=True, metavar="DIR", help="later images of the same names")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="first N pairs (default: all)")
    parser.add_argument("--new-tokens", type=int, default=24, metavar="N", help="tokens per caption (default: 24)")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="CPU threads of each side (default: 2)")
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="runs of each side (default: 3)")
    parser.add_argument("--ccexpert", type=Path, metavar="FILE", help="default: build/release/tools/ccexpert-caption",
                        default=REPOSITORY / "build" / "release" / "tools" / "ccexpert-caption")
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: build/bench-peers.json",
                        default=REPOSITORY / "build" / "bench-peers.json")
    return parser.parse_args(namespace=argparse.Namespace(peer_job=None))


def main():
    args = parse_arguments()
    try:
        if args.peer_job:
            return work_as_peer(json.loads(args.peer_job.read_text()))
        return bench(args)
    except (Failure, OSError, subprocess.CalledProcessError) as error:
        print(f"bench_peers.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
