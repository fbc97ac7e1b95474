#!/usr/bin/env bash
# Trains the demo model from scratch (drawn scenes, a vocabulary, four stages), or trains a model on with the scenes of
# today. Resumes after an interruption.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
  cat <<'TEXT'
usage: scripts/train_demo.sh [--pairs N] [--last-pairs N] [KEY=VALUE ...]
       scripts/train_demo.sh --from MODEL [--pairs N] [--last-pairs N] [KEY=VALUE ...]

  --from MODEL     trains this model on (models/demo, or one like it) instead of a new one
  --pairs N        pairs of images to draw for the base and stages I and II (48000); with --from for its first stage (14000)
  --last-pairs N   pairs of images to draw for stage III (128000); with --from for its second stage (50000)

All files go to build/demo, with --from to build/demo-continued; KEY=VALUE are passed to ccexpert-train. The model is
build/demo/run/stage3/best or build/demo-continued/run/one-sentence/best.
TEXT
}

from=''
pairs=''
last_pairs=''
overrides=()
while [ $# -gt 0 ]; do
  case $1 in
    --from | --pairs | --last-pairs) [ $# -ge 2 ] || die "$1: expected a value, got none" ;;
  esac
  case $1 in
    --from) from=$(realpath -m "$2"); shift 2 ;;
    --pairs) pairs=$2; shift 2 ;;
    --last-pairs) last_pairs=$2; shift 2 ;;
    --help | -h) usage; exit 0 ;;
    *=*) overrides+=("$1"); shift ;;
    *) usage >&2; die "unknown argument $1" ;;
  esac
done
[ -z "$from" ] || [ -f "$from/config.json" ] || die "--from: expected a checkpoint folder, got $from without config.json"

cd "$repository"
tools=$repository/build/release/tools
[ -x "$tools/ccexpert-train" ] || configure_and_build release all

# draw FOLDER PAIRS SEED TRAIN_SHARE VAL_SHARE TEST_SHARE
draw() {
  "$tools/ccexpert-data" synth --out "$1" --pairs "$2" --seed "$3" --format jpg \
    --train-share "$4" --val-share "$5" --test-share "$6"
}

# Writes a list beside train.json in which each pair without change has one sentence alone: the longest of the five, of
# which a score over n-grams sees most.
one_sentence() {
  python3 - "$1" << 'PYTHON'
import json
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
pairs = json.loads((folder / "train.json").read_text(encoding="utf-8"))
for pair in pairs:
    if not pair["change_flag"]:
        pair["change_caption"] = [max(pair["change_caption"], key=lambda caption: len(caption.split()))]
(folder / "one-sentence.json").write_text(json.dumps(pairs), encoding="utf-8")
PYTHON
}

# start_from MODEL WORK: a start with the words of the scenes, and the sums of the model that it was made of, since a run
# that goes on keeps its start.
start_from() {
  local sums=$2/from.sha256
  if [ -d "$2/start" ]; then
    (cd "$1" && sha256sum --quiet --check "$sums") &> /dev/null ||
      die "--from: expected the model that $2 was begun with, got $1 (remove the folder for a new run)"
    return
  fi
  rm -rf "$2/start.part"
  python3 scripts/change_vocabulary.py "$1" --data "$2/data/train.json" --out "$2/start.part"
  (cd "$1" && sha256sum config.json merges.txt model.safetensors vocab.json) > "$sums"
  mv "$2/start.part" "$2/start"
}

say "scenes and vocabulary"
if [ -n "$from" ]; then
  work=$repository/build/demo-continued config=configs/demo/continue.yaml
  draw "$work/data" "${pairs:-14000}" 101 0.97 0.03 0
  start_from "$from" "$work"
  draw "$work/data2" "${last_pairs:-50000}" 202 1 0 0
  one_sentence "$work/data2"
else
  work=$repository/build/demo config=configs/demo/demo.yaml
  draw "$work/data" "${pairs:-48000}" 1 0.96 0.02 0.02
  mkdir -p "$work/start"
  cp configs/demo/start/*.json "$work/start/"
  "$tools/ccexpert-data" vocabulary --data "$work/data/train.json" --size 1021 --out "$work/start"
  draw "$work/data3" "${last_pairs:-128000}" 2 1 0 0
fi
say "training"
ranks=$(($(nproc) < 2 ? 1 : 2))  # the two micro-batches of a step: ranks share cores with others better than threads do
exec "$tools/ccexpert-train" --config $config --nproc $ranks "${overrides[@]}"
