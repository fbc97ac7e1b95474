#!/usr/bin/env bash
# LibTorch versions that CMake accepts, and its messages for others: run.sh SOURCE
set -euo pipefail
source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work/home
unset XDG_CACHE_HOME CCEXPERT_LIBTORCH

# libtorch FOLDER MAJOR MINOR PATCH [cuda]: makes the parts of LibTorch that are checked.
libtorch() {
  mkdir -p "$1/include/torch/headeronly" "$1/lib"
  printf '#define TORCH_VERSION_%s\n' "MAJOR $2" "MINOR $3" "PATCH $4" > "$1/include/torch/headeronly/version.h"
  touch "$1/lib/libtorch_cpu.so" "$1/lib/libc10.so"
  [ $# -ge 5 ] || return 0
  touch "$1/lib/libtorch_cuda.so" "$1/lib/libc10_cuda.so"
  mkdir -p "$1/../nvidia/cu13/include"
  touch "$1/../nvidia/cu13/include/"{cuda,nccl,cublas_v2}.h
}

# expect WANTED RESULT ARGUMENT...: checks success or failure of CMake, and its output (line breaks as blanks).
expect() {
  local wanted=$1 text=$2 result=works output
  shift 2
  rm -rf "$work/build"
  output=$(cmake -S "$source/tests/find_libtorch" -B "$work/build" -G Ninja -D SOURCE="$source" "$@" 2>&1) || result=fails
  output=$(tr -s ' \n' ' ' <<< "$output")
  [ "$result" = "$wanted" ] && [[ "$output" = *"$text"* ]] ||
    { echo "cmake $*: expected that it $wanted with '$text', but it $result with: $output"; exit 1; }
}

expect fails "run scripts/setup.sh, or set CCEXPERT_LIBTORCH"
libtorch "$HOME/.cache/ccexpert/libtorch-2.11.0/torch" 2 11 0
expect works "found 2.11.0 in $HOME/.cache/ccexpert/libtorch-2.11.0/torch"

expect fails "CCEXPERT_LIBTORCH: expected a folder with LibTorch 2.11.0, got /none" -D CCEXPERT_LIBTORCH=/none
CCEXPERT_LIBTORCH=/none expect fails "CCEXPERT_LIBTORCH: expected a folder with LibTorch 2.11.0, got /none"
libtorch "$work/mine" 2 11 1
expect works "found 2.11.1 in $work/mine" -D CCEXPERT_LIBTORCH="$work/mine"
CCEXPERT_LIBTORCH=$work/mine expect works "found 2.11.1 in $work/mine"
libtorch "$work/old" 2 5 1
expect fails 'Found unsuitable version "2.5.1"' -D CCEXPERT_LIBTORCH="$work/old"
libtorch "$work/new" 2 12 0
expect fails 'Found unsuitable version "2.12.0"' -D CCEXPERT_LIBTORCH="$work/new"

cuda=(-D "COMPONENTS=COMPONENTS;cuda")
expect fails "expected LibTorch with CUDA, got $work/mine without lib/libtorch_cuda.so (run scripts/setup.sh --cuda, or configure without CCEXPERT_CUDA)" \
  "${cuda[@]}" -D CCEXPERT_LIBTORCH="$work/mine"
libtorch "$work/gpu" 2 11 0 cuda
expect works "found 2.11.0 in $work/gpu" "${cuda[@]}" -D CCEXPERT_LIBTORCH="$work/gpu"
