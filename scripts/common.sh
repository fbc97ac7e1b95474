# Shared by the scripts in this folder.
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '== %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Compilers at once: a file with LibTorch's headers takes up to 1.5 GB.
build_jobs() {
  local cores memory_gb
  cores=$(nproc)
  memory_gb=$(awk '/MemAvailable/ {print int($2 / 1500000)}' /proc/meminfo)
  echo $((memory_gb < 1 ? 1 : memory_gb < cores ? memory_gb : cores))
}

# configure_and_build PRESET TARGET...: configures where that was not done, or fails now, and builds.
configure_and_build() {
  local preset=$1
  shift
  (cd "$repository" && cmake --preset "$preset" > "/tmp/ccexpert-configure.$$" 2>&1) || {
    cat "/tmp/ccexpert-configure.$$" >&2
    rm -f "/tmp/ccexpert-configure.$$"
    die "CMake could not configure the build"
  }
  rm -f "/tmp/ccexpert-configure.$$"
  (cd "$repository" && cmake --build --preset "$preset" --parallel "$(build_jobs)" --target "$@")
}
