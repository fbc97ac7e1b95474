#!/usr/bin/env bash
# Sets up, builds, and captions a pair of images: scripts/demo.sh [BEFORE AFTER]
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[ $# -eq 0 ] || [ $# -eq 2 ] || die "usage: scripts/demo.sh [BEFORE AFTER]"
for image in "$@"; do [ -f "$image" ] || die "$image: expected an image file, got none"; done
"$repository/scripts/setup.sh"
configure_and_build release ccexpert-caption

caption() {
  say "before: $1"
  say "after:  $2"
  "$repository/build/release/tools/ccexpert-caption" --quiet "$1" "$2"
}

say "model: models/demo, the small one that comes with ccexpert (docs/demo-model.md); --model takes another"
if [ $# -eq 2 ]; then
  caption "$1" "$2"
  exit
fi
caption "$repository/docs/images/demo/before.png" "$repository/docs/images/demo/after.png"
# Photographs of LEVIR-CD may not be shipped; whoever has them beside the tree sees one captioned.
samples=${CCEXPERT_SHARED:-$repository/../shared}/data/levir-cd-samples
pair=test_55_0256_0000.png
if [ -f "$samples/A/$pair" ]; then caption "$samples/A/$pair" "$samples/B/$pair"; fi
