#!/usr/bin/env python3
"""Times ccexpert-caption and other programs with the same model on the same work in the same run.

    scripts/bench_peers.py --model CHECKPOINT --before A/ --after B/ --new-tokens 24 --threads 2 --repeat 3 \
        --dtypes float32,bfloat16,int8 --peers all

Sides: ccexpert in each of --dtypes, and each of --peers (--list names them):

- transformers-float32, transformers-bfloat16: SigLIP and Qwen2 of transformers, Diff Expert in plain PyTorch;
- pytorch-int8: the same modules after torch.ao.quantization.quantize_dynamic;
- openvino-int8: the same modules exported to OpenVINO, weights in 8 bits by NNCF, activations as its CPU plugin likes;
- llama-q8_0: the decoder alone in llama.cpp (llama-cpp-python), as Q8_0.

A peer whose packages are missing, or that fails, is left out with a sentence. All sides load the same weights, read the
same images and the same question, and generate the same number of tokens greedily, one pair at a time. Each run is a
process of its own, and the sides take turns; the tables show medians, the JSON file (--output) every run. Before the
first run, --work receives what a side reads in a form of its own (exported models, weights in 8 bits); that is not
measured. In float32, ccexpert and transformers must generate the same token ids; otherwise the exit code is 1. Random
weights tend to repeat one token; the log-probabilities, which are compared too, are then more informative than the ids.

Rows: load is once per process; preprocess (resize and normalise), vision (two images), diff_expert (including the
projector), prefill (up to the first token's logits) and decode (the other tokens) are seconds per pair, and caption is
their sum. None of them includes decoding of image files. process is the whole process from start to exit, for all
pairs, and for Python includes its imports; user is its processor time. Tokens/s are the tokens after the first one
divided by the time of decode. Peak memory is the largest resident set of the process, including pages of mapped weight
files.

The Python that runs this script needs: torch, transformers 5, safetensors, tokenizers, pillow, numpy; for OpenVINO
openvino and nncf, for llama.cpp llama-cpp-python (built for this processor) and gguf. Use torch in the version of the
build's LibTorch (2.11.0); otherwise two libraries are compared as well as two programs.
"""

import argparse
import dataclasses
import datetime
import hashlib
import importlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from peers.work import PROMPT, Failure, config_of

REPOSITORY = Path(__file__).resolve().parent.parent
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp"}
STAGES = ("preprocess", "vision", "diff_expert", "prefill", "decode")
LANGUAGE = ("prefill", "decode")
COMPARED = ("vision", "diff_expert", "prefill", "decode", "language", "caption")
DTYPES = ("float32", "bfloat16", "int8")
TORCH = {"torch": "torch", "transformers": "transformers", "safetensors": "safetensors", "tokenizers": "tokenizers",
         "PIL": "pillow", "numpy": "numpy"}


@dataclasses.dataclass(frozen=True)
class PeerKind:
    module: str
    dtype: str
    packages: dict  # module to import -> package to install
    prepares: bool = False


PEERS = {
    "transformers-float32": PeerKind("captioner", "float32", TORCH),
    "transformers-bfloat16": PeerKind("captioner", "bfloat16", TORCH),
    "pytorch-int8": PeerKind("dynamic_int8", "float32", TORCH),
    "openvino-int8": PeerKind("openvino_int8", "float32", TORCH | {"openvino": "openvino", "nncf": "nncf"}, True),
    "llama-q8_0": PeerKind("llama_q8", "float32", TORCH | {"llama_cpp": "llama-cpp-python", "gguf": "gguf"}, True)}


def work_as_peer(job):
    """Prepares, or captions all pairs, in the child process; writes the measurements to job["result"]."""
    start = time.perf_counter()
    module = importlib.import_module(f"peers.{job['module']}")
    if job["prepare"]:
        return module.prepare(job)
    seconds = {"imports": time.perf_counter() - start}
    start = time.perf_counter()
    peer = module.Peer(job)
    seconds["load"] = time.perf_counter() - start
    captions, all_prompts = {}, 0
    for number, pair in enumerate(job["pairs"]):
        ids, prompt_tokens, logprob = peer.caption(number, seconds)
        all_prompts += prompt_tokens
        captions[pair["uid"]] = {"ids": ids, "logprob": logprob}
    result = {"seconds": seconds, "prompt_tokens": all_prompts, "captions": captions}
    Path(job["result"]).write_text(json.dumps(result))
    return None


@dataclasses.dataclass(frozen=True)
class Usage:
    process: float  # seconds
    user: float     # seconds of all processor cores
    peak: int       # bytes


def run_process(command, threads, log):
    """Runs a command; its output goes to `log`."""
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
    return Usage(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def summary(measured, captions, usage, args):
    """Returns seconds per pair and the results of one run. A stage that a side does not have is absent."""
    pairs, times = len(captions), measured["seconds"]
    stages = {stage: times[stage] / pairs for stage in STAGES if stage in times}
    seconds = {"load": times["load"]} | stages | {"language": sum(stages[stage] for stage in LANGUAGE)}
    if set(STAGES) <= set(stages):
        seconds["caption"] = sum(stages.values())
    seconds |= {"process": usage.process, "user": usage.user}
    speed = (args.new_tokens - 1) / stages["decode"] if stages["decode"] > 0 else 0.0
    return {"seconds": seconds, "imports": times.get("imports"), "tokens_per_second": speed,
            "prompt_tokens": measured["prompt_tokens"], "peak_memory_bytes": usage.peak, "captions": captions}


class Ours:
    """ccexpert-caption in one dtype."""

    def __init__(self, args, dtype):
        self.args, self.dtype, self.model = args, dtype, args.model

    def prepare(self, folder):
        """int8 reads weights in 8 bits, as ccexpert-quantize writes them: quantising at load needs more memory."""
        quantize = self.args.ccexpert.with_name("ccexpert-quantize")
        if self.dtype != "int8" or not quantize.is_file():
            return
        self.model = folder / f"model-{quantize.stat().st_mtime_ns}"  # of this build
        if not self.model.exists():
            for other in folder.glob("model-*"):
                shutil.rmtree(other)
            run_process([quantize, self.args.model, "-o", self.model], self.args.threads, folder / "prepare.log")

    def run(self, pairs, folder):
        args, count = self.args, str(self.args.new_tokens)
        lists, output, timings = folder / "pairs.jsonl", folder / "ours.jsonl", folder / "timings.json"
        lists.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
        usage = run_process(
            [args.ccexpert, "--model", self.model, "--pairs", lists, "--batch-size", "1", "--device", args.device,
             "--dtype", self.dtype, "--threads", str(args.threads), "--format", "jsonl", "--output", output,
             "--overwrite", "--max-new-tokens", count, "--min-new-tokens", count, "--repetition-penalty", "1",
             "--prompt-style", "reference", "--feature-cache", "0", "--timings-file", timings, "--quiet"],
            args.threads, folder / "ours.log")
        lines = [json.loads(line) for line in output.read_text().splitlines()]
        captions = {line["uid"]: {"ids": line["token_ids"], "logprob": line["logprob"]} for line in lines}
        return summary(json.loads(timings.read_text()), captions, usage, args)


class Theirs:
    """A peer, in the Python that runs this script."""

    def __init__(self, args, name):
        self.args, self.kind = args, PEERS[name]
        self.prepared = None

    def job(self, pairs, folder, prepare):
        job = {"module": self.kind.module, "prepare": prepare, "model": str(self.args.model), "pairs": pairs,
               "prompt": PROMPT, "dtype": self.kind.dtype, "device": self.args.device, "threads": self.args.threads,
               "new_tokens": self.args.new_tokens, "prepared": str(self.prepared), "result": str(folder / "theirs.json")}
        (folder / "job.json").write_text(json.dumps(job))
        return run_process([sys.executable, __file__, "--peer-job", folder / "job.json"], self.args.threads,
                           folder / "theirs.log")

    def prepare(self, folder):
        self.prepared = folder
        if self.kind.prepares and not (folder / "complete").exists():
            self.job(self.args.pairs, folder, True)
            (folder / "complete").touch()

    def run(self, pairs, folder):
        usage = self.job(pairs, folder, False)
        result = json.loads((folder / "theirs.json").read_text())
        return summary(result, result["captions"], usage, self.args)


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


def common_start(ids, others):
    """Returns how many ids are equal before the first difference."""
    return next((i for i, (id_, other) in enumerate(zip(ids, others)) if id_ != other), len(ids))


def agreement_of(runs, reference):
    """Compares the captions of all runs of a side with those of the reference's first run."""
    first = reference[0]["captions"]
    others = [run["captions"] for run in runs]
    same = sum(all(other[uid]["ids"] == first[uid]["ids"] for other in others) for uid in first)
    gap = max(abs(other[uid]["logprob"] - first[uid]["logprob"]) for other in others for uid in first)
    start = statistics.mean(common_start(others[0][uid]["ids"], first[uid]["ids"]) for uid in first)
    return {"pairs": len(first), "same_ids": same, "mean_common_start": start, "largest_logprob_difference": gap,
            "distinct_ids": len({token for caption in first.values() for token in caption["ids"]})}


def table_of(head, rows):
    """Returns a table of texts with aligned columns."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths)))
        for row in [head, *rows])


def figures_table(sides):
    keys = list(dict.fromkeys(key for side in sides.values() for key in side["median"]["seconds"]))
    order = ["load", *STAGES, "language", "caption", "process", "user"]

    def cell(side, key):
        value = side["median"]["seconds"].get(key)
        return "-" if value is None else f"{value:.3f}"

    rows = [[f"{key}, s", *(cell(side, key) for side in sides.values())] for key in order if key in keys]
    rows.append(["decode, tokens/s", *(f"{side['median']['tokens_per_second']:.1f}" for side in sides.values())])
    rows.append(["peak memory, GB", *(f"{side['median']['peak_memory_bytes'] * 1e-9:.2f}" for side in sides.values())])
    return table_of(["", *sides], rows)


def speed_table(sides, mine):
    """Returns the time of each peer divided by the time of ours: above 1, ours is faster."""
    ours = sides[mine]["median"]["seconds"]

    def cell(theirs, stage):
        return f"{theirs[stage] / ours[stage]:.2f}" if theirs.get(stage) and ours[stage] > 0 else "-"

    rows = [[name, *(cell(side["median"]["seconds"], stage) for stage in COMPARED),
             f"{side['median']['peak_memory_bytes'] / sides[mine]['median']['peak_memory_bytes']:.2f}"]
            for name, side in sides.items() if name != mine]
    return table_of([f"divided by {mine}", *COMPARED, "memory"], rows)


def machine():
    info = Path("/proc/cpuinfo")
    models = [line.partition(":")[2].strip() for line in info.read_text().splitlines()
              if line.startswith("model name")] if info.exists() else []
    return {"cpu": models[0] if models else platform.processor(), "cores": os.cpu_count(),
            "load_average": os.getloadavg()[0]}


def versions(args, names):
    own = subprocess.run([args.ccexpert, "--version"], capture_output=True, text=True, check=True)
    packages = {package for name in names for package in PEERS[name].packages.values()}
    return ({"ccexpert": own.stdout.strip(), "python": platform.python_version()} |
            {package: importlib.metadata.version(package) for package in sorted(packages)})


def obstacle(name, args):
    """Returns why a peer cannot run, or None."""
    kind = PEERS[name]
    missing = [package for module, package in kind.packages.items() if importlib.util.find_spec(module) is None]
    if missing:
        return f"{sys.executable} has no {', '.join(missing)} (pip install {' '.join(missing)})"
    if int(importlib.metadata.version("transformers").split(".")[0]) < 5:
        return f"expected transformers 5 or newer, got {importlib.metadata.version('transformers')}"
    if args.device != "cpu" and kind.module != "captioner":
        return f"it runs on a CPU only, and --device is {args.device}"
    return None


def check(args):
    if not args.ccexpert.is_file():
        raise Failure(f"{args.ccexpert}: expected the program ccexpert-caption, got nothing (build it, or --ccexpert)")
    if config_of(args.model).get("mm_resampler_type") != "cc_expert":
        raise Failure(f"{args.model}: expected a checkpoint with Diff Expert in the authors' layout")
    if args.new_tokens < 2 or args.repeat < 1 or args.threads < 1:
        raise Failure("expected --new-tokens of at least 2, --repeat and --threads of at least 1")


def leave_out(name, reason):
    print(f"{name} is left out: {reason}", file=sys.stderr)


def identity(args):
    """Returns a name for checkpoint, pairs and scripts: files that were prepared from others are not used again."""
    scripts = b"".join(path.read_bytes() for path in sorted((REPOSITORY / "scripts" / "peers").glob("*.py")))
    weights = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(args.model.iterdir())]
    whole = json.dumps([str(args.model.resolve()), weights, args.pairs])
    return hashlib.sha256(scripts + whole.encode()).hexdigest()


def prepared_sides(args):
    """Returns the sides by name, ready to run."""
    ready = {f"ccexpert {dtype}": Ours(args, dtype) for dtype in args.dtypes}
    for name in args.peers:
        reason = obstacle(name, args)
        if reason:
            leave_out(name, reason)
        else:
            ready[name] = Theirs(args, name)
    for name, side in list(ready.items()):
        folder = args.work / identity(args)[:12] / name.replace(" ", "-")
        folder.mkdir(parents=True, exist_ok=True)
        attempt(ready, name, lambda: side.prepare(folder))
    return ready


def attempt(sides, name, run):
    """Runs a step of a side. If a peer fails, it is left out; if ours fails, the comparison ends."""
    try:
        return run()
    except Failure as failure:
        if isinstance(sides[name], Ours):
            raise
        leave_out(name, failure)
        del sides[name]
        return None


def measure(args, sides):
    runs = {name: [] for name in sides}
    with tempfile.TemporaryDirectory(prefix="ccexpert-bench-") as folder:
        for turn in range(1, args.repeat + 1):
            for name in list(sides):
                made = attempt(sides, name, lambda: sides[name].run(args.pairs, Path(folder)))
                if made is None:
                    continue
                runs[name].append(made)
                print(f"run {turn} of {args.repeat}, {name}: {made['seconds']['process']:.1f} s", file=sys.stderr)
    return {name: runs[name] for name in sides}


def bench(args):
    check(args)
    args.pairs = find_pairs(args)
    computer = machine()
    if computer["load_average"] > 0.5:
        print(f"warning: this machine is busy (load {computer['load_average']:.1f}); these times mean little",
              file=sys.stderr)
    runs = measure(args, prepared_sides(args))
    reference = next((name for name in ("transformers-float32", "ccexpert float32") if name in runs), next(iter(runs)))
    sides = {name: {"median": medians(side), "agreement": agreement_of(side, runs[reference]), "runs": side}
             for name, side in runs.items()}
    options = {key: str(value) if isinstance(value, Path) else value for key, value in vars(args).items()
               if key not in ("peer_job", "pairs")}
    report = {"date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"), "machine": computer,
              "versions": versions(args, [name for name in runs if name in PEERS]), "options": options,
              "reference": reference, "sides": sides}
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(json.dumps(report, indent=2) + "\n")
    return tell(args, report)


def tell(args, report):
    sides, reference = report["sides"], report["reference"]
    print(f"{len(args.pairs)} pairs, {args.new_tokens} tokens each, {args.threads} threads, medians of {args.repeat} "
          f"runs in turns\n\n{figures_table(sides)}")
    for name in sides:
        if name.startswith("ccexpert") and len(sides) > 1:
            print(f"\n{speed_table(sides, name)}")
    rows = [[name, f"{side['agreement']['same_ids']} of {side['agreement']['pairs']}",
             f"{side['agreement']['mean_common_start']:.1f}",
             f"{side['agreement']['largest_logprob_difference']:.2g}"] for name, side in sides.items()]
    print("\n" + table_of([f"captions, against {reference}", "same tokens", "tokens before a difference",
                           "largest log-probability difference"], rows))
    print(f"all runs: {args.output}")
    both = {"ccexpert float32", "transformers-float32"} <= set(sides)
    exact = sides["ccexpert float32"]["agreement"] if both else None
    return 1 if exact and exact["same_ids"] < exact["pairs"] else 0


def choices(known):
    """Returns a parser of a comma-separated list, or of "all"."""
    def parse(text):
        names = list(known) if text == "all" else [name for name in text.split(",") if name]
        unknown = [name for name in names if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"expected all or some of {', '.join(known)}, got {unknown[0]}")
        return names
    return parse


def parse_arguments():
    if sys.argv[1:2] == ["--peer-job"]:
        return argparse.Namespace(peer_job=Path(sys.argv[2]))
    if "--list" in sys.argv[1:]:
        print("\n".join(PEERS))
        sys.exit(0)
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], allow_abbrev=False)
    parser.add_argument("--list", action="store_true", help="list the peers")
    parser.add_argument("--model", type=Path, required=True, metavar="DIR", help="checkpoint, authors' layout")
    parser.add_argument("--before", type=Path, required=True, metavar="DIR", help="earlier images")
    parser.add_argument("--after", type=Path, required=True, metavar="DIR", help="later images of the same names")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="first N pairs (default: all)")
    parser.add_argument("--new-tokens", type=int, default=24, metavar="N", help="tokens per caption (default: 24)")
    parser.add_argument("--dtypes", type=choices(DTYPES), default=["float32"], metavar="LIST",
                        help=f"of ccexpert: all, or some of {', '.join(DTYPES)} (default: float32)")
    parser.add_argument("--peers", type=choices(PEERS), default=["transformers-float32"], metavar="LIST",
                        help=f"all, or some of {', '.join(PEERS)} (default: transformers-float32)")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"),
                        help="both ccexpert and transformers in this dtype: --dtypes D --peers transformers-D")
    parser.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="CPU threads of each side (default: 2)")
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="runs of each side (default: 3)")
    parser.add_argument("--ccexpert", type=Path, metavar="FILE", help="default: build/release/tools/ccexpert-caption",
                        default=REPOSITORY / "build" / "release" / "tools" / "ccexpert-caption")
    parser.add_argument("--work", type=Path, metavar="DIR", help="default: build/bench-peers",
                        default=REPOSITORY / "build" / "bench-peers")
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: build/bench-peers.json",
                        default=REPOSITORY / "build" / "bench-peers.json")
    args = parser.parse_args(namespace=argparse.Namespace(peer_job=None))
    if args.dtype:
        args.dtypes, args.peers = [args.dtype], [f"transformers-{args.dtype}"]
    return args


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
