#!/usr/bin/env bash
# Sets up, builds, captions a pair of images, and scores the caption where a references.json lies beside BEFORE:
# scripts/demo.sh [BEFORE AFTER]
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[ $# -eq 0 ] || [ $# -eq 2 ] || die "usage: scripts/demo.sh [BEFORE AFTER]"
before=${1:-$repository/docs/images/demo/before.png}
after=${2:-$repository/docs/images/demo/after.png}
"$repository/scripts/setup.sh"
configure_and_build release ccexpert-caption ccexpert-eval
tools=$repository/build/release/tools
model=$repository/tests/data/checkpoint-tiny
say "before: $before"
say "after:  $after"
say "model:  tests/data/checkpoint-tiny, a test model that knows a handful of sentences; --model takes a real one"
"$tools/ccexpert-caption" --model "$model" "$before" "$after"
references=$(dirname "$before")/references.json
if [ -f "$references" ]; then
  captions=$(mktemp --suffix .jsonl)
  trap 'rm -f "$captions"' EXIT
  "$tools/ccexpert-caption" --model "$model" --format jsonl --output "$captions" --overwrite "$before" "$after"
  say "scores against $references (CIDEr-D of a single pair is 0: it counts how rare words are among pairs)"
  "$tools/ccexpert-eval" "$captions" --references "$references" --no-bootstrap --name caption
fi
