#!/usr/bin/env bash
# Measures ccexpert on one GPU in about ten minutes, with programs that are built already:
# scripts/bench_gpu.sh [--build DIR] [--tokenizer DIR] [--python FILE] [--out DIR] [--no-7b] [--dry-run]
#
# Steps: the GPU tests; captions on the GPU compared with the CPU; captions and tokens per second at the sizes of 0.5B
# and 7B with random weights, with and without CUDA graphs; training at 0.5B with an evaluation, beside transformers;
# the same as one rank of NCCL.
# A step that fails or takes too long is reported, and the others run. --out (default: bench-gpu) has a log of each step
# and results.txt with all figures.
#
# --build      folder of the build (default: build/cuda)
# --tokenizer  folder with the files of the Qwen2 tokenizer, for random checkpoints; without it only models/demo runs
# --python     Python with numpy, and for the comparison torch and transformers (default: python3)
# --no-7b      leave the 7B model out: it needs 17 GB of disk and as much GPU memory
# --dry-run    the same steps on the CPU with the smallest model, to try this script (--build is build/release then)
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build='' tokenizer='' python=python3 out=bench-gpu dry=false with_7b=true
while [ $# -gt 0 ]; do
  case $1 in
    --dry-run) dry=true ;;
    --no-7b) with_7b=false ;;
    --build | --tokenizer | --python | --out)
      [ $# -ge 2 ] || die "$1: expected a value, got none"
      declare "${1#--}=$2"
      shift ;;
    -h | --help) sed -n '2,/^source/{/^source/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) die "$1: expected an option of this script (--help lists them)" ;;
  esac
  shift
done
if $dry; then device=cpu preset=release; else device=cuda preset=cuda; fi
build=$(realpath -m "${build:-$repository/build/$preset}")
[ -x "$build/tools/ccexpert-caption" ] ||
  die "$build/tools/ccexpert-caption: expected a program, got none (build it, or --build DIR)"
$dry || nvidia-smi > /dev/null 2>&1 ||
  die "expected a GPU, got none that nvidia-smi sees (--dry-run runs the same steps on the CPU)"
mkdir -p "$out"
out=$(realpath "$out")
results=$out/results.txt
: > "$results"
failed=0

# result TEXT...: a line for the summary.
result() { echo "$*" | tee -a "$results"; }

# step NAME SECONDS COMMAND...: runs a step with its log in $out/NAME.log. False if it failed; the script goes on.
step() {
  local name=$1 seconds=$2 status=0 start=$SECONDS
  shift 2
  say "$name"
  timeout "$seconds" "$@" > "$out/$name.log" 2>&1 || status=$?
  [ $status -ne 0 ] || return 0
  failed=$((failed + 1))
  if [ $status -eq 124 ]; then result "$name: stopped after $seconds s"; else
    result "$name: failed after $((SECONDS - start)) s: $(tail -n 1 "$out/$name.log")"
  fi
  return 1
}

# caption NAME MODEL DEVICE DTYPE BATCH PAIRS TOKENS: captions the first PAIRS pairs, to $out/NAME.jsonl and
# $out/NAME.json.
caption() {
  step "$1" 180 "$build/tools/ccexpert-caption" --model "$2" --pairs "$out/pairs-$6.jsonl" --device "$3" --dtype "$4" \
    --batch-size "$5" --max-new-tokens "$7" --min-new-tokens "$7" --repetition-penalty 1 --format jsonl \
    --output "$out/$1.jsonl" --overwrite --timings-file "$out/$1.json" --quiet
}

# compare NAME: captions of $out/NAME-cpu.jsonl and $out/NAME-gpu.jsonl.
compare() {
  result "$("$python" - "$1" "$out" << 'SCRIPT'
import json, sys
name, out = sys.argv[1:]
sides = [[json.loads(line) for line in open(f"{out}/{name}-{side}.jsonl")] for side in ("cpu", "gpu")]
same = sum(a["token_ids"] == b["token_ids"] for a, b in zip(*sides))
gap = max(abs(a["logprob"] - b["logprob"]) for a, b in zip(*sides))
print(f"{name}: {same} of {len(sides[0])} captions as on the CPU, log-probabilities differ by at most {gap:.2g}")
SCRIPT
)"
}

# rates NAME: captions and tokens per second of $out/NAME.json.
rates() {
  result "$("$python" - "$1" "$out" << 'SCRIPT'
import json, sys
name, out = sys.argv[1:]
figures = json.load(open(f"{out}/{name}.json"))
seconds = {stage: value for stage, value in figures["seconds"].items() if stage != "load"}
parts = ", ".join(f"{stage} {1e3 * value / figures['pairs']:.1f} ms" for stage, value in seconds.items())
print(f"{name}: {figures['pairs'] / sum(seconds.values()):.2f} captions/s, "
      f"{figures['decode_tokens_per_second']:.0f} tokens/s in decode; a pair: {parts}")
SCRIPT
)"
}

# training NAME SECONDS ARGUMENT...: bench_training.py, with the rows of its table as results.
training() {
  local name=$1 seconds=$2
  shift 2
  step "$name" "$seconds" "$python" "$repository/scripts/bench_training.py" --model "${models[0]}" \
    --data "$out/data/train.json" --device "$device" --ccexpert "$build/tools/ccexpert-train" "${size[@]}" "$@" ||
    return 0
  while IFS= read -r line; do result "$name: $line"; done < "$out/$name.log"
}

if $dry; then
  models=("$repository/tests/golden/checkpoint-tiny") names=(tiny) batches=(2)
  pairs=4 tokens=3 synth=(--pairs 6 --size 128 --jobs 1) few=2
  size=(--micro 2 --accumulate 1 --steps 1 --threads 1 --workers 1)
  evaluation=(--evaluate 2 --evaluate-batch 2)
else
  models=() names=() batches=(1 8 32)
  pairs=64 tokens=24 synth=(--pairs 800) few=8
  size=(--micro 8 --accumulate 8 --steps 6)
  evaluation=(--evaluate 64 --evaluate-batch 32)
fi
precision=$($dry && echo float32 || echo bfloat16)

say "machine"
if $dry; then result "dry run on the CPU: these figures say nothing"; else
  result "$(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader | head -n 1)"
fi
result "$("$build/tools/ccexpert-caption" --version | tr '\n' ' ')"

if [ -x "$build/tests/gpu_tests" ]; then
  step gpu-tests 120 "$build/tests/gpu_tests" && result "gpu-tests: $(tail -n 1 "$out/gpu-tests.log")"
else
  result "gpu-tests are left out: $build/tests/gpu_tests is not built (ninja gpu_tests in a CUDA build)"
fi

rm -rf "$out/data"
step data 60 "$build/tools/ccexpert-data" synth --out "$out/data" --train-share 1 --val-share 0 --test-share 0 \
  --quiet "${synth[@]}" || die "no data to measure with: $out/data.log"
for count in "$pairs" "$few"; do
  "$python" - "$out" "$count" << 'SCRIPT'
import json, sys
out, count = sys.argv[1], int(sys.argv[2])
with open(f"{out}/pairs-{count}.jsonl", "w") as lists:
    for pair in json.load(open(f"{out}/data/train.json"))[:count]:
        before, after = (f"{out}/data/{pair[key]}" for key in ("img1_path", "img2_path"))
        lists.write(json.dumps({"before": before, "after": after, "uid": str(pair["uid"])}) + "\n")
SCRIPT
done

# random SIZE: makes a checkpoint and adds it to the models.
random() {
  local folder=$out/random-$1
  [ -f "$folder/config.json" ] || step "random-$1" 150 "$python" "$repository/scripts/make_random_checkpoint.py" \
    --size "$1" --tokenizer "$tokenizer" --out "$folder" --repeat-values || return 0
  models+=("$folder") names+=("$1")
}
if ! $dry && [ -n "$tokenizer" ]; then
  random 0.5b
  if $with_7b; then random 7b; fi
elif ! $dry; then
  result "0.5B and 7B are left out: random checkpoints need --tokenizer DIR"
  models=("$repository/models/demo") names=(demo)
fi
[ ${#models[@]} -gt 0 ] || die "no model to measure: $out has the logs"

demo=$($dry && echo "${models[0]}" || echo "$repository/models/demo")
if caption parity-demo-cpu "$demo" cpu float32 8 "$few" "$tokens" &&
  caption parity-demo-gpu "$demo" "$device" float32 8 "$few" "$tokens"; then compare parity-demo; fi
for i in "${!models[@]}"; do
  for batch in "${batches[@]}"; do
    for graphs in auto off; do
      name=captions-${names[i]}-batch-$batch
      [ $graphs = auto ] || name+=-without-graphs
      if CCEXPERT_GPU_GRAPHS=$graphs caption "$name" "${models[i]}" "$device" "$precision" "$batch" "$pairs" \
        "$tokens"; then rates "$name"; fi
    done
  done
done

peer=()
"$python" -c 'import numpy, safetensors, tokenizers, torch, transformers' 2> /dev/null || peer=(--ours-alone)
[ ${#peer[@]} -eq 0 ] || result "transformers is left out: $python has no torch, transformers, safetensors, tokenizers"
training training 240 "${evaluation[@]}" "${peer[@]}"
export RANK=0 WORLD_SIZE=1 LOCAL_RANK=0 LOCAL_WORLD_SIZE=1 MASTER_ADDR=127.0.0.1
training training-one-rank 120 --zero 2 --ours-alone

say "done after $SECONDS s, $failed steps failed: $results"
[ "$failed" -eq 0 ]
