#!/usr/bin/env bash
# Benchmark scripts with the golden checkpoint: bench.sh SOURCE BUILD. Python has no packages (-S), as in CI.
set -euo pipefail
source=$1 tools=$2/tools
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/A" "$work/B"
cp "$source/docs/images/demo/before.png" "$work/A/pair.png"
cp "$source/docs/images/demo/after.png" "$work/B/pair.png"

fail() { echo "$*"; cat "$work/output"; exit 1; }
# peers ARGUMENT...: runs bench_peers.py on one pair, with its output in $work/output.
peers() {
  python3 -S "$source/scripts/bench_peers.py" --model "$source/tests/golden/checkpoint-tiny" --before "$work/A" \
    --after "$work/B" --new-tokens 3 --threads 1 --repeat 1 --ccexpert "$tools/ccexpert-caption" \
    --work "$work/prepared" --output "$work/report.json" "$@" > "$work/output" 2>&1
}

peers --dtypes float32,int8 --peers all || fail "expected ccexpert alone to be measured without packages"
for peer in transformers-float32 transformers-bfloat16 pytorch-int8 openvino-int8 llama-q8_0; do
  grep -q "^$peer is left out: .* has no .*torch.* (pip install .*)$" "$work/output" ||
    fail "expected a sentence about $peer"
done
grep -q "^divided by ccexpert int8 " "$work/output" || fail "expected ratios to int8"
grep -q "^ccexpert int8  *[01] of 1 " "$work/output" || fail "expected captions of int8 to be compared"
python3 -S - "$work/report.json" << 'SCRIPT' || fail "expected all figures of both sides in the report"
import json, sys
sides = json.load(open(sys.argv[1]))["sides"]
assert list(sides) == ["ccexpert float32", "ccexpert int8"], list(sides)
for side in sides.values():
    assert all(side["median"]["seconds"][stage] > 0 for stage in ("vision", "diff_expert", "prefill", "caption", "user"))
    assert len(side["runs"][0]["captions"]["pair.png"]["ids"]) == 3
SCRIPT
! peers --peers nobody || fail "expected an unknown peer to be refused"
grep -q "expected all or some of transformers-float32, .*, got nobody" "$work/output" || fail "expected the known peers"
! peers --ccexpert "$work/nothing" || fail "expected a missing program to be refused"
grep -q "nothing: expected the program ccexpert-caption, got nothing" "$work/output" || fail "expected one sentence"

# bench_scaling.py: a list of one pair; wrong lists and failed runs give one sentence.
scaling() {
  python3 -S "$source/scripts/bench_scaling.py" --model "$source/tests/golden/checkpoint-tiny" --repeat 1 --counts 1 \
    --words 2 --batches 1 --caption "$tools/ccexpert-caption" "$@" > "$work/output" 2>&1
}
pair='{"uid": "1", "before": "A/pair.png", "after": "B/pair.png"}'
echo "[$pair]" > "$work/pairs.json"
echo "$pair" > "$work/pairs.jsonl"
for list in pairs.json pairs.jsonl; do
  scaling --pairs "$work/$list" || fail "expected a table of $list"
  [ "$(grep -cE '^\| (pairs|words of the prompt|batch) \| 1 \|' "$work/output")" -eq 3 ] ||
    fail "expected three rows"
done
! scaling --pairs "$work/pairs.jsonl" --counts 2 || fail "expected a short list to be refused"
grep -q "^bench_scaling.py: .*/pairs.jsonl: expected at least 2 pairs, got 1$" "$work/output" ||
  fail "expected one sentence"
echo '{"uid": 1}' > "$work/broken.json"
! scaling --pairs "$work/broken.json" || fail "expected an object to be refused"
grep -q "^bench_scaling.py: .*/broken.json: expected a list of objects$" "$work/output" ||
  fail "expected one sentence"
! scaling --pairs "$work/pairs.json" --dtype int9 || fail "expected a failed run to be told"
grep -q "^bench_scaling.py: ccexpert-caption: exit code 2: .*int9" "$work/output" ||
  fail "expected the program's sentence"

# bench_roofline.py, with the limits of a machine that does not exist.
cat > "$work/roofline" << 'SCRIPT'
#!/bin/sh
work='{"products": 1e6, "scores": 1e5, "weights": 1e5, "cache": 1e4}'
echo '{"limits": {"read_gb_per_s": 10, "gflop_per_s": {"float32": {"a": 90, "b": 100}}, "level": "none",
"int8_kernel": "none"}, "stages": {"vision": '$work', "diff_expert": '$work', "prefill": '$work', "decode": '$work'}}'
SCRIPT
chmod +x "$work/roofline"
roofline() {
  python3 -S "$source/scripts/bench_roofline.py" --model "$source/tests/golden/checkpoint-tiny" --before "$work/A" \
    --after "$work/B" --new-tokens 3 --threads 1 --repeat 1 --dtypes float32 --ccexpert "$tools/ccexpert-caption" \
    --work "$work/prepared" --output "$work/roofline.json" --roofline "$1" > "$work/output" 2>&1
}
roofline "$work/roofline" || fail "expected a table of limits"
[ "$(grep -c '^| float32, .* %' "$work/output")" -eq 4 ] || fail "expected a row for each stage"
! roofline "$work/nothing" || fail "expected a missing program to be refused"
grep -q "nothing: expected the program roofline, got nothing" "$work/output" || fail "expected one sentence"

# bench_gpu.sh: a dry run makes every step; without a GPU it says so.
mkdir "$work/bin"
printf '#!/bin/sh\nexit 1\n' > "$work/bin/nvidia-smi"
printf '#!/bin/sh\nexec python3 -S "$@"\n' > "$work/bin/bare-python"
chmod +x "$work/bin/nvidia-smi" "$work/bin/bare-python"
gpu() { PATH=$work/bin:$PATH "$source/scripts/bench_gpu.sh" --build "$1" --out "$work/gpu" "${@:2}" > "$work/output" 2>&1; }
build=${tools%/tools}
gpu "$build" --dry-run --python "$work/bin/bare-python" || fail "expected a dry run to succeed"
for line in '^dry run on the CPU' '^parity-demo: 2 of 2 captions as on the CPU' '^captions-tiny-batch-2: .* captions/s' \
  '^captions-tiny-batch-2-without-graphs: .* captions/s' \
  '^transformers is left out: ' '^training: ccexpert ' '^training: evaluation of 2 pairs' '^training-one-rank: ccexpert '; do
  grep -q "$line" "$work/gpu/results.txt" || fail "expected a result: $line"
done
! gpu "$build" || fail "expected a machine without a GPU to be refused"
grep -q "error: expected a GPU, got none that nvidia-smi sees (--dry-run" "$work/output" || fail "expected a sentence"
! gpu "$work" --dry-run || fail "expected a folder without programs to be refused"
grep -q "expected a program, got none (build it, or --build DIR)" "$work/output" || fail "expected a sentence"
