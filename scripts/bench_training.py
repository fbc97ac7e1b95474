#!/usr/bin/env python3
"""Times training steps of ccexpert-train and the same steps in Python in the same run.

    scripts/bench_training.py --model random-0.5b --data train.json --device cuda --micro 8 --accumulate 8 --steps 4

A step is stage II's or III's: everything trains, in bfloat16, `--accumulate` micro-batches of `--micro` pairs,
gradients clipped, one update of AdamW. ccexpert-train runs as usual: it decodes images, keeps float32 master
weights and float32 sums of gradients, and writes its log. The Python side is transformers (SigLIP, Qwen2) and the Diff
Expert in plain PyTorch, run eagerly, with advantages: its images are already on the device, its weights and sums of
gradients are bfloat16 without master copies, and its head reads only supervised positions, as ours does. Both sides
train on the same caption for every pair, so that all sequences have the same length.

Medians of all steps but the first. MFU counts the work of the model (docs/training.md), by the same figure for both
sides, without the recomputation of gradient checkpointing (--recompute, only ours). --data is a list in the universal format, as
ccexpert-data synth writes it. The Python that runs this needs: torch, transformers 5, safetensors, tokenizers, numpy.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from peers.work import PROMPT, Failure

REPOSITORY = Path(__file__).resolve().parent.parent

CAPTION = "some houses are built along the road and many trees are removed ."


def pairs_of(args, folder):
    """Writes the pairs with the Python side's caption for each, as a GPU plans attention for every new length."""
    pairs = json.loads(args.data.read_text())
    path = folder / "pairs.json"
    path.write_text(json.dumps([pair | {"change_caption": [CAPTION]} for pair in pairs]))
    return str(path)


def config_of(args, folder):
    pairs = pairs_of(args, folder)
    section = {
        "output": str(folder / "run"), "device": args.device, "threads": args.threads, "peak_tflops": args.peak_tflops,
        "model": {"start": str(args.model.resolve()), "dtype": "bfloat16", "recompute": args.recompute},
        "data": {"train": pairs, "image_root": str(args.data.resolve().parent), "captions": "flatten",
                 "labels": "reference", "workers": args.workers},
        "batch": {"global": args.micro * args.accumulate, "micro": args.micro, "epochs": 1000},
        "optimizer": {"learning_rate": 1e-6, "parameters": [
            {"pattern": "*"}, {"pattern": "model.vision_tower.*", "lr_factor": 0.2}]},
        "distributed": {"zero": args.zero}, "checkpoint": {"every_steps": 0}}
    if args.evaluate:
        section["data"]["validation"] = pairs
        section["evaluation"] = {"every_epoch": False, "every_steps": args.steps, "metric": "s_star_m",
                                 "max_pairs": args.evaluate, "batch_size": args.evaluate_batch,
                                 "generation": {"max_new_tokens": 24, "min_new_tokens": 24}}
    path = folder / "config.yaml"
    path.write_text(json.dumps(section))  # JSON is YAML
    return path


def events_of(log, event):
    lines = log.read_text().splitlines() if log.exists() else []
    whole = [json.loads(line) for line in lines if line.endswith("}")]
    return [line for line in whole if line.get("event") == event]


def run_ours(args):
    """Returns the lines of each step and of the evaluation in log.jsonl, then kills the run to avoid its checkpoint
    of 14 GB."""
    with tempfile.TemporaryDirectory(prefix="ccexpert-bench-") as name:
        folder = Path(name)
        log = folder / "ours.log"
        with open(log, "wb") as output:
            child = subprocess.Popen([args.ccexpert, "--config", config_of(args, folder)], stdout=output,
                                     stderr=subprocess.STDOUT)
            try:
                event, wanted = ("evaluation", 1) if args.evaluate else ("step", args.steps)
                while len(events_of(folder / "run" / "log.jsonl", event)) < wanted and child.poll() is None:
                    time.sleep(0.05)
            finally:
                child.kill()
                child.wait()
        steps = events_of(folder / "run" / "log.jsonl", "step")
        if len(steps) < args.steps:
            lines = log.read_text(errors="replace").strip().splitlines() or ["no output"]
            raise Failure(f"ccexpert-train: {lines[-1]}")
        return steps[:args.steps], events_of(folder / "run" / "log.jsonl", "evaluation")


class PeerStep:
    """One training step in Python."""

    def __init__(self, args):
        import torch
        from peers.captioner import Captioner
        peer = Captioner(args.model, torch.bfloat16, args.device)
        peer.decoder.tie_weights()
        modules = [peer.vision, peer.expert, peer.projector, peer.decoder]
        for module in modules:
            module.train()
        self.parameters = list({id(p): p for module in modules for p in module.parameters()}.values())
        for parameter in self.parameters:
            parameter.requires_grad_(True)
        self.optimizer = torch.optim.AdamW(self.parameters, lr=1e-6, weight_decay=0.0, fused=True)
        side = peer.vision_config["image_size"]
        self.pixels = torch.randn(2 * args.micro, 3, side, side, device=args.device, dtype=torch.bfloat16)
        self.texts = [torch.tensor(peer.encode(text), device=args.device)
                      for text in PROMPT.split("<image>")]
        self.answer = torch.tensor(peer.encode(CAPTION + "<|im_end|>"), device=args.device)
        self.peer, self.args = peer, args

    def loss(self):
        import torch
        from torch.nn import functional
        peer, rows = self.peer, self.args.micro
        features = peer.vision_features(self.pixels)
        before, after = peer.expert([x[0::2] for x in features], [x[1::2] for x in features])
        before, after = peer.projector(before), peer.projector(after)
        embed = peer.decoder.get_input_embeddings()
        text = [embed(ids).expand(rows, -1, -1) for ids in [*self.texts, self.answer]]
        states = torch.cat([text[0], before, text[1], after, text[2], text[3]], 1)
        hidden = peer.decoder.model(inputs_embeds=states, use_cache=False).last_hidden_state
        count = len(self.answer)
        logits = peer.decoder.lm_head(hidden[:, -count - 1:-1]).float()
        return functional.cross_entropy(logits.flatten(0, 1), self.answer.repeat(rows)), states.shape[1]

    def run(self):
        """Returns seconds, and the tokens of a pair."""
        import torch
        start = time.perf_counter()
        for _ in range(self.args.accumulate):
            loss, tokens = self.loss()
            (loss / self.args.accumulate).backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.args.device.startswith("cuda"):
            torch.cuda.synchronize()
        return time.perf_counter() - start, tokens


def work_as_peer(args):
    import torch
    import transformers
    transformers.logging.set_verbosity_error()
    if args.threads > 0:
        torch.set_num_threads(args.threads)
    step = PeerStep(args)
    runs = [step.run() for _ in range(args.steps)]
    memory = torch.cuda.max_memory_allocated() * 1e-9 if args.device.startswith("cuda") else 0.0
    print(json.dumps({"seconds": [seconds for seconds, _ in runs], "tokens": runs[0][1], "memory_gb": memory}))


def run_theirs(args):
    child = subprocess.run([sys.executable, __file__, "--as-peer", *sys.argv[1:]], capture_output=True, text=True,
                           env=os.environ | {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"})
    if child.returncode != 0:
        raise Failure("the Python side: " + (child.stderr.strip().splitlines() or ["no output"])[-1])
    return json.loads(child.stdout.strip().splitlines()[-1])


def bench(args):
    pairs = args.micro * args.accumulate
    steps, evaluations = run_ours(args)
    timed = steps[1:] or steps
    ours = statistics.median(step["seconds"] for step in timed)
    work = statistics.median(step.get("mfu", 0.0) * args.peak_tflops * step["seconds"] for step in timed)
    tokens = statistics.median(step["tokens_per_second"] * step["seconds"] for step in timed) / pairs
    rows = [("ccexpert", ours, tokens, max(step["memory_gb"] for step in steps))]
    if not args.ours_alone:
        peer = run_theirs(args)
        rows.append(("python", statistics.median(peer["seconds"][1:] or peer["seconds"]), peer["tokens"],
                     peer["memory_gb"]))
    print(f"steps of {args.accumulate} x {args.micro} pairs, {args.device}; {len(timed)} timed; data wait "
          f"{100 * statistics.median(step['data_wait_share'] for step in timed):.1f} %; all of ours: "
          f"{', '.join(format(step['seconds'], '.2f') for step in steps)} s")
    print(f"{'':<10}{'s a step':>10}{'pairs/s':>10}{'tokens a pair':>15}{'tokens/s':>10}{'MFU %':>8}{'GB':>8}"
          f"{'ratio':>8}")
    for name, seconds, length, memory in rows:
        mfu = 100 * work / seconds / args.peak_tflops if args.peak_tflops else 0.0
        print(f"{name:<10}{seconds:>10.3f}{pairs / seconds:>10.2f}{length:>15.0f}{pairs * length / seconds:>10.0f}"
              f"{mfu:>8.1f}{memory:>8.1f}{rows[-1][1] / seconds:>8.2f}")
    for evaluation in evaluations:
        share = args.steps * ours / (args.steps * ours + evaluation["seconds"])
        mfu = f", MFU of steps and evaluation {100 * share * work / ours / args.peak_tflops:.1f} %" if work else ""
        print(f"evaluation of {evaluation['pairs']} pairs after {args.steps * pairs}, {args.evaluate_batch} at once, 24 "
              f"tokens each: {evaluation['seconds']:.2f} s{mfu}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], allow_abbrev=False)
    parser.add_argument("--as-peer", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--model", type=Path, required=True, metavar="DIR", help="checkpoint, authors' layout")
    parser.add_argument("--data", type=Path, required=True, metavar="FILE", help="pairs with captions")
    parser.add_argument("--device", default="cuda", help="cuda (default) or cpu")
    parser.add_argument("--micro", type=int, default=8, metavar="N", help="pairs at once (default: 8)")
    parser.add_argument("--accumulate", type=int, default=8, metavar="N", help="micro-batches per step (default: 8)")
    parser.add_argument("--steps", type=int, default=5, metavar="N", help="steps of each side (default: 5)")
    parser.add_argument("--recompute", action="store_true", help="gradient checkpointing, on our side")
    parser.add_argument("--zero", type=int, default=0, help="ZeRO level of our side (default: 0)")
    parser.add_argument("--evaluate", type=int, default=0, metavar="N", help="caption and score N pairs at the end")
    parser.add_argument("--evaluate-batch", type=int, default=8, metavar="N",
                        help="pairs captioned at once (default: 8)")
    parser.add_argument("--ours-alone", action="store_true", help="leave the Python side out")
    parser.add_argument("--threads", type=int, default=0, metavar="N", help="CPU threads of each side (default: all)")
    parser.add_argument("--workers", type=int, default=8, metavar="N", help="our loader's threads (default: 8)")
    parser.add_argument("--peak-tflops", type=float, default=989.0, metavar="T",
                        help="peak of the device in bfloat16 (default: 989, an H100)")
    parser.add_argument("--ccexpert", type=Path, metavar="FILE", help="default: build/cuda/tools/ccexpert-train",
                        default=REPOSITORY / "build" / "cuda" / "tools" / "ccexpert-train")
    return parser.parse_args()


def main():
    args = parse_arguments()
    try:
        return work_as_peer(args) if args.as_peer else bench(args)
    except (Failure, OSError) as error:
        print(f"bench_training.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
