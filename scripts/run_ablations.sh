#!/usr/bin/env bash
# Repeats the ablations in small of docs/ablations.md: draws the data, makes the base, trains and scores. Resumes.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage="usage: scripts/run_ablations.sh [--levir-cc FOLDER] [KEY=VALUE | --row N ...]"
levir_cc=
if [ "${1:-}" = --levir-cc ]; then
  [ -n "${2:-}" ] || die "--levir-cc: expected the folder of your copy of LEVIR-CC, got none"
  [ -e "$2" ] || die "--levir-cc: expected the folder of your copy of LEVIR-CC, got no file $2"
  levir_cc=$(realpath "$2")
  shift 2
fi
case ${1:-} in
  --help) echo "$usage"; exit 0 ;;
  "" | -* | *=*) ;;
  *) die "unknown argument $1: expected KEY=VALUE or --row N, for ccexpert-train --sweep" ;;
esac

cd "$repository"
tools=$repository/build/release/tools
[ -x "$tools/ccexpert-train" ] && [ -x "$tools/ccexpert-caption" ] || configure_and_build release all
if [ -n "$levir_cc" ]; then work=build/levir-cc sweep=ablations-levir-cc tables=levir-cc pairs=2000
else work=build/ablations sweep=ablations-demo tables=demo pairs=6000
fi
say "data"
synth=("$tools/ccexpert-data" synth --size 128 --format jpg)
"${synth[@]}" --out $work/foundation --pairs $pairs --seed 1 --train-share 1 --val-share 0 --test-share 0
start=models/demo
if [ -n "$levir_cc" ]; then
  python3 scripts/check_levir_cc.py --data "$levir_cc" --lists $work/lists
  [ $work/mirrored/list.jsonl -nt $work/lists/train.jsonl ] ||
    python3 scripts/mirror_pairs.py $work/lists/train.jsonl --out $work/mirrored
  start=$work/start
  python3 scripts/change_vocabulary.py models/demo --data $work/lists/train.jsonl --data $work/foundation/train.json \
    --out $start
else
  "${synth[@]}" --out $work/benchmark --pairs 1400 --seed 2 --train-share 0.5 --val-share 0.1 --test-share 0.4
fi
say "base"
python3 scripts/without_diff_expert.py $start $work/base
say "training"
status=0
"$tools/ccexpert-train" --sweep configs/sweeps/$sweep.yaml "$@" || status=$?
case $status in
  0 | 3) ;;  # finished, or some runs failed
  *) exit $status ;;
esac
for table in configs/tables/$tables-*.yaml; do
  "$tools/ccexpert-eval" --table "$table" || { code=$?; [ $status != 0 ] || status=$code; }
  echo
done
exit $status
