#!/usr/bin/env bash
# Checks of CI besides the tests: scripts/check.sh [--minutes N] [format] [shell] [docs] [tidy] [sanitize] [fuzz] [cuda]
# [wheel] [serve] [demo]; without names, all of these. Two more take long and run only if they are named: serve-asan and
# serve-tsan load the server under AddressSanitizer with UBSan, and under ThreadSanitizer. After N minutes no check is begun
# any more; those left out are named. tidy checks sources changed since CCEXPERT_TIDY_BASE; by default since origin/main,
# and on origin/main itself within the last four hours.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$repository"

check_format() {
  say "clang-format"
  git ls-files '*.cpp' '*.h' | xargs clang-format --dry-run --Werror
}

check_shell() {
  say "shellcheck"
  git ls-files '*.sh' .ci/run | xargs shellcheck --severity warning
}

# Prints the commit to compare with, or the empty tree if everything is new.
tidy_base() {
  local base
  if [ -n "${CCEXPERT_TIDY_BASE:-}" ]; then
    git rev-parse -q --verify "$CCEXPERT_TIDY_BASE^{commit}"
    return
  fi
  base=$(git merge-base HEAD origin/main 2> /dev/null || git rev-parse HEAD)
  if [ "$base" = "$(git rev-parse HEAD)" ]; then
    base=$(git rev-list -1 --before="$(($(git show -s --format=%ct HEAD) - 4 * 3600))" HEAD)
  fi
  echo "${base:-$(git hash-object -t tree /dev/null)}"
}

# Prints sources that include a header, as clang-tidy checks a header only through a source: those of its own room; else
# one of another room; else, if only headers include it, all of its room.
sources_that_include() {
  local header=$1 name room found
  name=$(sed -E 's#^(include|src|tools)/##' <<< "$header")
  room=$(dirname "$name")
  found=$(git grep -lE "^#include [<\"]${name}[>\"]" -- '*.cpp' ':!tests' || true)
  if [ -z "$found" ]; then
    git ls-files "src/${room#ccexpert/}/*.cpp" "tools/$room/*.cpp"
  else
    grep "/$(basename "$room")/" <<< "$found" || head -n 1 <<< "$found"
  fi
}

# Prints a file without its comments.
code_of() {
  c++ -fpreprocessed -dD -E -P -x c++ - 2> /dev/null
}

# True if only comments of a file differ from those of a commit.
has_same_code() {
  local base=$1 file=$2
  git cat-file -e "$base:$file" 2> /dev/null && cmp -s <(git show "$base:$file" | code_of) <(code_of < "$file")
}

changed_sources() {
  local base file
  base=$(tidy_base) || die "CCEXPERT_TIDY_BASE: expected a commit, got $CCEXPERT_TIDY_BASE"
  git diff --name-only --diff-filter=d "$base" -- src include tools | while read -r file; do
    case $file in
      *.cpp) echo "$file" ;;
      *.h) has_same_code "$base" "$file" || sources_that_include "$file" ;;
    esac
  done | sort -u
}

# clang cannot read GCC's precompiled headers and does not need them; it has no omp.h.
check_tidy() {
  local sources
  say "clang-tidy on changed sources"
  sources=$(changed_sources)
  [ -n "$sources" ] || { say "no source changed"; return; }
  # .clang-tidy decides which of clang's own warnings are errors.
  CCEXPERT_WERROR=OFF configure release -B build/tidy -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DCCEXPERT_BUILD_TESTS=OFF
  sed -i 's/ -fpch-preprocess//g; s/ -fopenmp//g' build/tidy/compile_commands.json
  # The counts include hidden warnings of third-party headers.
  printf '%s\n' $sources | xargs -P "$(build_jobs)" -n 4 "$clang_tidy" --quiet -p build/tidy 2>&1 |
    { grep -vE '^\[[0-9]+/[0-9]+\] Processing file|^[0-9]+ warnings?( and [0-9]+ errors?)? generated\.$' || true; }
}

check_sanitize() {
  say "AddressSanitizer and UBSan on the rooms without torch::nn"
  configure_and_build asan all
  ctest --preset asan --parallel "$(nproc)" --exclude-regex '^fuzz\.'
}

check_fuzz() {
  say "fuzz targets, each on its corpus and then for 4 seconds"
  configure_and_build asan fuzzers
  ctest --preset asan --parallel "$(nproc)" --tests-regex '^fuzz\.'
}

# True if LibTorch is here with its GPU libraries, which scripts/setup.sh --dev keeps.
has_gpu_libtorch() {
  local folder=${CCEXPERT_LIBTORCH:-$libtorch}
  [ -f "$folder/lib/libtorch_cuda.so" ] || [ -f "$folder/torch/lib/libtorch_cuda.so" ]
}

# True if CUDA's headers are installed, by a toolkit or by scripts/setup.sh --cuda.
has_cuda_headers() {
  local header folder found
  for header in cuda.h nccl.h cublas_v2.h; do
    found=false
    for folder in /usr/include /usr/local/include "${CUDA_HOME:-/usr/local/cuda}/include" \
      "$cache"/libtorch-*/nvidia/*/include; do
      if [ -f "$folder/$header" ]; then found=true; fi
    done
    $found || return 1
  done
}

check_cuda() {
  if ! has_cuda_headers; then
    say "GPU programs: not compiled, as neither a CUDA toolkit nor the libraries of setup.sh --cuda are here"
    return
  fi
  if ! has_gpu_libtorch; then
    say "GPU programs: not compiled, as this LibTorch is for a CPU alone (setup.sh --dev keeps the GPU libraries)"
    return
  fi
  say "GPU programs and the tests that need a GPU: compile and link"
  configure_and_build cuda ccexpert-caption ccexpert-train gpu_tests
}

check_docs() {
  say "documents: the site, and every block of commands"
  scripts/docs.sh
  configure_and_build release all
  python3 scripts/check_docs.py "$repository" --build build/release --run
}

# After the build of release, whose objects it takes from ccache.
check_wheel() {
  say "ccexpert-metrics: the wheel, in a fresh environment"
  scripts/check_python.sh --metrics
}

check_demo() {
  say "ccexpert-demo: joined sources compile"
  configure_and_build demo ccexpert-demo
}

# The clients are asked over loopback only.
check_serve() {
  local without=(--without-pages)
  say "ccexpert-serve: clients, and a short load"
  configure_and_build release ccexpert-serve ccexpert-caption
  if ! ldd build/release/tools/ccexpert-serve | grep libgdal > /dev/null; then
    say "maps of the server: not made, as it was built without GDAL"
    without+=(--without-maps)
  fi
  PYTHONPATH=$serve_tools python3 scripts/check_serve.py "${without[@]}" --required
  python3 scripts/bench_serve.py --requests 300 --warm-up 200
}

# sanitized_server PRESET ARGUMENT...: loads a server of which some rooms are sanitized. LibTorch is not: leaks are not
# looked for, since nobody frees its pools.
sanitized_server() {
  say "ccexpert-serve under load, preset $1"
  configure_and_build "$1" ccexpert-serve
  configure_and_build release ccexpert-caption
  ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=16 UBSAN_OPTIONS=print_stacktrace=1 \
    TSAN_OPTIONS="suppressions=$repository/scripts/serve_tsan.txt history_size=4" \
    python3 scripts/bench_serve.py --server "build/$1/tools/ccexpert-serve" --caption build/release/tools/ccexpert-caption \
    --clients 8,64 --requests 400 --warm-up 100 --patience 300 "${@:2}"
}
check_serve_asan() { sanitized_server serve-asan --memory-margin 64; }
# With one thread, the model runs no loops of OpenMP. The sanitizer's own memory grows with the threads of connections.
check_serve_tsan() { sanitized_server serve-tsan --threads 1 --memory-margin 400; }

minutes=
if [ "${1:-}" = --minutes ]; then
  minutes=${2:-}
  [[ "$minutes" =~ ^[0-9]+$ ]] || die "--minutes: expected a whole number, got ${minutes:-none}"
  shift 2
fi
[ $# -gt 0 ] || set -- format shell docs tidy sanitize fuzz cuda wheel serve demo
left_out=()
for check in "$@"; do
  case $check in
    format | shell | tidy | sanitize | fuzz | cuda | docs | wheel | demo | serve | serve-asan | serve-tsan) ;;
    *) die "unknown check $check (format, shell, docs, tidy, sanitize, fuzz, cuda, wheel, serve, demo, serve-asan, serve-tsan)" ;;
  esac
  if [ -n "$minutes" ] && [ $((SECONDS / 60)) -ge "$minutes" ]; then
    left_out+=("$check")
  else
    "check_${check//-/_}"
  fi
done
if [ ${#left_out[@]} -gt 0 ]; then say "left out, as $minutes minutes are over: ${left_out[*]}"; fi
