#!/usr/bin/env bash
# Sets up, builds, and captions a pair of images: scripts/demo.sh [BEFORE AFTER]
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[ $# -eq 0 ] || [ $# -eq 2 ] || die "usage: scripts/demo.sh [BEFORE AFTER]"
before=${1:-$repository/docs/images/demo/before.png}
after=${2:-$repository/docs/images/demo/after.png}
"$repository/scripts/setup.sh"
configure_and_build release ccexpert-caption
say "before: $before"
say "after:  $after"
say "model:  tests/data/checkpoint-tiny, a test model that knows a handful of sentences; --model takes a real one"
"$repository/build/release/tools/ccexpert-caption" --model "$repository/tests/data/checkpoint-tiny" "$before" "$after"
