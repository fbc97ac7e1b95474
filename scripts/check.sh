#!/usr/bin/env bash
# What CI checks beside the tests: scripts/check.sh [format] [tidy] [sanitize] [cuda]; all of them without arguments.
# tidy looks at the rooms changed since CCEXPERT_TIDY_BASE (a commit; the last commit's parent where it is not set).
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$repository"

check_format() {
  say "clang-format"
  git ls-files '*.cpp' '*.h' | xargs clang-format --dry-run --Werror
}

changed_sources() {
  local base=${CCEXPERT_TIDY_BASE:-HEAD~1} rooms
  git rev-parse -q --verify "$base" > /dev/null || base=$(git hash-object -t tree /dev/null)
  rooms=$(git diff --name-only "$base" -- src include tools | sed -E 's#^include/ccexpert/#src/#; s#/[^/]*$##' | sort -u)
  [ -z "$rooms" ] || git ls-files $(sed 's#$#/*.cpp#' <<< "$rooms")
}

# clang reads neither GCC's precompiled headers nor needs them.
check_tidy() {
  local sources
  say "clang-tidy on changed rooms"
  sources=$(changed_sources)
  [ -n "$sources" ] || { say "no room changed"; return; }
  cmake --preset release -B build/tidy -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DCCEXPERT_BUILD_TESTS=OFF > /dev/null
  sed -i 's/ -fpch-preprocess//' build/tidy/compile_commands.json
  printf '%s\n' $sources | xargs -P "$(build_jobs)" -n 4 clang-tidy --quiet -p build/tidy
}

check_sanitize() {
  say "AddressSanitizer and UBSan on the rooms without torch::nn"
  configure_and_build asan all
  ctest --preset asan --parallel "$(nproc)"
}

check_cuda() {
  say "GPU programs: compile and link"
  cmake --preset cuda -DCCEXPERT_BUILD_TESTS=OFF > /dev/null
  cmake --build --preset cuda --parallel "$(build_jobs)" --target ccexpert-caption ccexpert-train
}

[ $# -gt 0 ] || set -- format tidy sanitize cuda
for check in "$@"; do
  case $check in
    format | tidy | sanitize | cuda) "check_$check" ;;
    *) die "unknown check $check (format, tidy, sanitize, cuda)" ;;
  esac
done
