#!/usr/bin/env bash
# Sets up, builds, captions a pair of images, and scores the caption if a references.json is beside BEFORE:
# scripts/demo.sh [BEFORE AFTER]
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[ $# -eq 0 ] || [ $# -eq 2 ] || die "usage: scripts/demo.sh [BEFORE AFTER]"
for image in "$@"; do [ -f "$image" ] || die "$image: expected an image file, got none"; done
"$repository/scripts/setup.sh"
configure_and_build release ccexpert-caption ccexpert-eval
tools=$repository/build/release/tools

# caption BEFORE AFTER: prints the caption, and its scores if there are references, which refer to BEFORE by its name.
caption() {
  local before after references captions=$work/captions.jsonl
  before=$(realpath "$1")
  after=$(realpath "$2")
  references=$(dirname "$before")/references.json
  say "before: $before"
  say "after:  $after"
  "$tools/ccexpert-caption" --quiet "$before" "$after"
  [ -f "$references" ] || return 0
  "$tools/ccexpert-caption" --quiet --format jsonl --output "$captions" --overwrite "$before" "$after"
  say "scores against $references (CIDEr-D of a single pair is 0: it weights words by their rarity among pairs)"
  "$tools/ccexpert-eval" "$captions" --references "$references" --no-bootstrap --name caption
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say "model: models/demo, the demo model (docs/demo-model.md); ccexpert-caption --model DIR uses another"
if [ $# -eq 2 ]; then
  caption "$1" "$2"
  exit
fi
caption "$repository/docs/images/demo/before.png" "$repository/docs/images/demo/after.png"
# Photographs of LEVIR-CD may not be shipped; if they are beside the tree, one pair is captioned as well.
samples=${CCEXPERT_SHARED:-$repository/../shared}/data/levir-cd-samples
pair=test_55_0256_0000.png
if [ -f "$samples/A/$pair" ]; then caption "$samples/A/$pair" "$samples/B/$pair"; fi
