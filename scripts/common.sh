# Functions shared by the scripts in this folder.
# shellcheck shell=bash
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

cache=${XDG_CACHE_HOME:-${HOME:-}/.cache}/ccexpert
libtorch_version=2.11.0
# shellcheck disable=SC2034  # for the scripts that read this file
libtorch=$cache/libtorch-$libtorch_version
python_tools=$cache/python-tools-4
# shellcheck disable=SC2034  # for the scripts that read this file
serve_tools=$cache/serve-tools-1
# shellcheck disable=SC2034
docs_tools=$cache/docs-tools-1
# shellcheck disable=SC2034
clang_tidy=$cache/clang-tidy-23.1.4/clang_tidy/data/bin/clang-tidy

say() { printf '== %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Number of parallel compilers: a file with LibTorch's headers needs up to 1.5 GB.
build_jobs() {
  local cores memory_gb
  cores=$(nproc)
  memory_gb=$(awk '/MemAvailable/ {print int($2 / 1500000)}' /proc/meminfo)
  echo $((memory_gb < 1 ? 1 : memory_gb < cores ? memory_gb : cores))
}

# configure PRESET [ARGUMENT...]: silent on success. CCEXPERT_WERROR=ON in the environment, as in CI, makes warnings
# errors.
configure() {
  local log failed=false
  log=$(mktemp)
  local python=()
  if [ -d "$python_tools" ]; then python=(-DCCEXPERT_PYTHON=ON "-DCCEXPERT_PYTHON_TOOLS=$python_tools"); fi
  if [ "$1" != release ]; then python=(); fi
  (cd "$repository" && cmake --preset "$@" "${python[@]}" ${CCEXPERT_WERROR:+"-DCCEXPERT_WERROR=$CCEXPERT_WERROR"}) \
    > "$log" 2>&1 ||
    failed=true
  if $failed; then cat "$log" >&2; fi
  rm -f "$log"
  if $failed; then die "CMake could not configure the build"; fi
}

# build PRESET TARGET...
build() {
  local preset=$1
  shift
  (cd "$repository" && cmake --build --preset "$preset" --parallel "$(build_jobs)" --target "$@")
}

# configure_and_build PRESET TARGET...
configure_and_build() {
  configure "$1"
  build "$@"
}
