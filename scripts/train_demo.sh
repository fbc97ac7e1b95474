#!/usr/bin/env bash
# Trains the demo model from scratch: drawn scenes, a vocabulary, four stages. Resumes after an interruption.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$repository"

usage() {
  cat <<'TEXT'
usage: scripts/train_demo.sh [--pairs N] [--last-pairs N] [KEY=VALUE ...]

  --pairs N        pairs of images to draw for the base and stages I and II (48000)
  --last-pairs N   pairs of images to draw for stage III (128000)

All files go to build/demo; KEY=VALUE are passed to ccexpert-train. The model of the last stage is
build/demo/run/stage3/best.
TEXT
}

pairs=48000
last_pairs=128000
overrides=()
while [ $# -gt 0 ]; do
  case $1 in
    --pairs) pairs=$2; shift 2 ;;
    --last-pairs) last_pairs=$2; shift 2 ;;
    --help | -h) usage; exit 0 ;;
    *=*) overrides+=("$1"); shift ;;
    *) usage >&2; die "unknown argument $1" ;;
  esac
done

tools=$repository/build/release/tools
[ -x "$tools/ccexpert-train" ] || configure_and_build release all
say "scenes"
"$tools/ccexpert-data" synth --out build/demo/data --pairs "$pairs" --seed 1 --format jpg \
  --train-share 0.96 --val-share 0.02 --test-share 0.02
"$tools/ccexpert-data" synth --out build/demo/data3 --pairs "$last_pairs" --seed 2 --format jpg \
  --train-share 1 --val-share 0 --test-share 0
say "vocabulary"
mkdir -p build/demo/start
cp configs/demo/start/*.json build/demo/start/
"$tools/ccexpert-data" vocabulary --data build/demo/data/train.json --size 1021 --out build/demo/start
say "training"
ranks=$(($(nproc) < 2 ? 1 : 2))  # the two micro-batches of a step: ranks share cores with others better than threads do
exec "$tools/ccexpert-train" --config configs/demo/demo.yaml --nproc $ranks "${overrides[@]}"
