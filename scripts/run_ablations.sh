#!/usr/bin/env bash
# Repeats the ablations in small of docs/ablations.md: draws the data, makes the base, trains and scores. Resumes.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$repository"

case ${1:-} in
  "" | -* | *=*) [ "${1:-}" != --help ] || { echo "usage: scripts/run_ablations.sh [KEY=VALUE | --row N ...]"; exit 0; } ;;
  *) die "unknown argument $1: expected KEY=VALUE or --row N, for ccexpert-train --sweep" ;;
esac

tools=$repository/build/release/tools
[ -x "$tools/ccexpert-train" ] && [ -x "$tools/ccexpert-caption" ] || configure_and_build release all
say "data"
synth=("$tools/ccexpert-data" synth --size 128 --format jpg)
"${synth[@]}" --out build/ablations/foundation --pairs 6000 --seed 1 --train-share 1 --val-share 0 --test-share 0
"${synth[@]}" --out build/ablations/benchmark --pairs 1400 --seed 2 --train-share 0.5 --val-share 0.1 --test-share 0.4
say "base"
python3 scripts/without_diff_expert.py models/demo build/ablations/base
say "training"
status=0
"$tools/ccexpert-train" --sweep configs/sweeps/ablations-demo.yaml "$@" || status=$?
case $status in
  0 | 3) ;;  # finished, or some runs failed
  *) exit $status ;;
esac
for table in configs/tables/demo-*.yaml; do
  "$tools/ccexpert-eval" --table "$table" || { code=$?; [ $status != 0 ] || status=$code; }
  echo
done
exit $status
