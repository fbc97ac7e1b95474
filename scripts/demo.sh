#!/usr/bin/env bash
# Sets up and builds what a caption needs, and captions a pair of images: scripts/demo.sh [BEFORE AFTER]
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[ $# -eq 0 ] || [ $# -eq 2 ] || die "usage: scripts/demo.sh [BEFORE AFTER]"
for image in "$@"; do [ -f "$image" ] || die "$image: expected an image file, got none"; done
program=build/demo/tools/ccexpert-demo

# timed NAME COMMAND...: tells how long the command took.
timed() {
  local TIMEFORMAT="== $1: %1R s (processor: %1U s in programs, %1S s in the system)"
  shift
  time "$@"
}

# True if LibTorch is being downloaded.
is_libtorch_awaited() { ! flock --nonblock "$cache/lock" true; }

# The rooms without LibTorch compile while it is downloaded. Their objects stay.
build_without_libtorch() {
  configure demo "-DCCEXPERT_ROOMS=core;text;image"
  build demo ccexpert_text ccexpert_image
}

caption() {
  local before after
  before=$(realpath "$1")
  after=$(realpath "$2")
  say "before: $before"
  say "after:  $after"
  (cd "$repository" && timed caption "$program" "$before" "$after")
}

timed packages "$repository/scripts/setup.sh" --caption --libtorch-later
if is_libtorch_awaited; then timed "compile beside the download" build_without_libtorch; fi
timed LibTorch "$repository/scripts/setup.sh" --caption
timed configure configure demo
timed compile build demo ccexpert-demo

say "model: models/demo, the demo model (docs/demo-model.md)"
if [ $# -eq 2 ]; then
  caption "$1" "$2"
else
  caption "$repository/docs/images/demo/before.png" "$repository/docs/images/demo/after.png"
fi
say "from nothing to the caption: $SECONDS s"
cat <<TEXT

Next:
  your own pair   scripts/demo.sh BEFORE AFTER
  all programs    scripts/setup.sh --map && cmake --preset release && cmake --build --preset release
then, in build/release/tools:
  a page          ccexpert-caption --before 2018/ --after 2023/ --locate --words --report page.html  (docs/report.md)
  a map           ccexpert-map 2018.tif 2023.tif -o changes.gpkg                                     (docs/map.md)
  scores          ccexpert-caption --pairs test.json --evaluate test.json --format jsonl --output captions.jsonl
                  (docs/eval.md)
TEXT
