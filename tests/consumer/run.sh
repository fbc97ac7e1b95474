#!/usr/bin/env bash
# Installs a build, then builds and runs a program against it outside of the tree: run.sh SOURCE BUILD
set -euo pipefail
source=$1
build=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/prefix" > "$work/log"
cp -r "$source/tests/consumer" "$work/consumer"
cmake -S "$work/consumer" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" >> "$work/log"
cmake --build "$work/build" >> "$work/log"

model=$source/tests/golden/checkpoint-tiny
pair=("$source/docs/images/demo/before.png" "$source/docs/images/demo/after.png")
expected="many houses are built along the road ."
for command in "$work/build/consumer $model" "$work/prefix/bin/ccexpert-caption --model $model"; do
  got=$($command "${pair[@]}")
  [ "$got" = "$expected" ] || { echo "$command: expected '$expected', got '$got'"; exit 1; }
done
bash -n "$work/prefix/share/bash-completion/completions/ccexpert-caption"
grep -q -- --max-new-tokens "$work/prefix/share/bash-completion/completions/ccexpert-caption"
! "$work/build/consumer" "$work/nothing" "${pair[@]}" 2> "$work/error" || { echo "expected a missing model to fail"; exit 1; }
grep -q "expected a checkpoint folder" "$work/error"
