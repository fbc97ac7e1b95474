#!/usr/bin/env bash
# LibTorch that scripts/setup.sh selects, and that it adds nothing to a user's Python: setup.sh SOURCE. Packages and
# downloads are faked; no network is used.
set -euo pipefail
source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset CCEXPERT_LIBTORCH
export XDG_CACHE_HOME=$work/cache FAKE_PACKAGES=$work/site-packages PATH=$work/bin:$PATH
ours=$work/cache/ccexpert/libtorch-2.11.0
mkdir -p "$work/bin" "$work/cache/ccexpert/meteor-1.5"
touch "$work/cache/ccexpert/meteor-1.5/paraphrase-en.gz"

# The path where setup.sh --dev installs it.
clang_tidy=$(source "$source/scripts/common.sh" && echo "$clang_tidy")
mkdir -p "$(dirname "$clang_tidy")"
touch "$clang_tidy"
chmod +x "$clang_tidy"

fail() { echo "$*"; cat "$work/log"; exit 1; }

# torch FOLDER [cuda]: makes the parts of the package that are checked.
cat > "$work/bin/make-torch" <<'SCRIPT'
mkdir -p "$1/torch/include/torch/headeronly" "$1/torch/lib"
printf '#define TORCH_VERSION_%s\n' "MAJOR 2" "MINOR 11" "PATCH 0" > "$1/torch/include/torch/headeronly/version.h"
touch "$1/torch/lib/libtorch_cpu.so"
if [ $# -gt 1 ]; then touch "$1/torch/lib/libtorch_cuda.so"; fi
SCRIPT
# A fake Python whose torch is in FAKE_PACKAGES, and which "downloads" and "unpacks" wheels.
cat > "$work/bin/python3" <<'SCRIPT'
case "$1 ${2:-} ${3:-}" in
  "- $XDG_CACHE_HOME/ccexpert/wheels "*) make-torch "$3" ;;  # LibTorch for a CPU
  "- $XDG_CACHE_HOME"*) mkdir -p "$3" ;;  # METEOR's tables
  "- "*) [ ! -d "$FAKE_PACKAGES" ] || echo "$FAKE_PACKAGES" ;;
  "-m pip download")
    if [ -f "$XDG_CACHE_HOME/slow" ]; then touch "$XDG_CACHE_HOME/started"; sleep 20; fi
    while [ "$1" != --dest ]; do shift; done; touch "$2/$(basename "$2").whl" ;;
  "-m zipfile -e") case $4 in
    *wheels-cuda.whl) mkdir -p "$5/nvidia/nccl/lib" && touch "$5/nvidia/nccl/lib/libnccl.so.2" ;;
    *) make-torch "$5" cuda ;;
  esac ;;
esac
SCRIPT
echo '[ -f "$XDG_CACHE_HOME/lacks" ] && [ "$4" = ninja-build ] || echo install ok installed' > "$work/bin/dpkg-query"
# The packages cannot be installed, after the download of LibTorch began.
echo 'case " $* " in *" install "*) until [ -f "$XDG_CACHE_HOME/started" ]; do sleep 0.05; done; exit 1 ;; esac' > "$work/bin/apt-get"
echo '"$@"' > "$work/bin/sudo"
echo '[ ! -f "$XDG_CACHE_HOME/damaged" ]' > "$work/bin/sha256sum"
sed -i '1i #!/usr/bin/env bash' "$work"/bin/*
chmod +x "$work"/bin/*

setup() { "$source/scripts/setup.sh" "$@" > "$work/log" 2>&1 || fail "setup.sh $*: expected success"; }
files() { (cd "$FAKE_PACKAGES" && find . | sort); }

make-torch "$FAKE_PACKAGES"
before=$(files)
setup
[ "$(readlink "$ours")" = "$FAKE_PACKAGES" ] || fail "expected Python's torch for a CPU build"
setup
grep -q "2.11.0 is there" "$work/log" || fail "expected a second run to find the first one's"

setup --cuda
[ "$(files)" = "$before" ] || fail "expected nothing to be written into Python's packages"
[ ! -L "$ours" ] && [ -f "$ours/torch/lib/libtorch_cuda.so" ] && [ -f "$ours/nvidia/nccl/lib/libnccl.so.2" ] ||
  fail "expected LibTorch with CUDA of our own"
setup --cuda
grep -q "CUDA libraries: installed" "$work/log" || fail "expected a second run to find the CUDA libraries"

rm -rf "$ours"
make-torch "$FAKE_PACKAGES" cuda
mkdir -p "$FAKE_PACKAGES/nvidia/nccl/lib"
touch "$FAKE_PACKAGES/nvidia/nccl/lib/libnccl.so.2"
setup --cuda
[ "$(readlink "$ours")" = "$FAKE_PACKAGES" ] || fail "expected Python's torch where it has CUDA and its libraries"

rm -rf "$ours" "$FAKE_PACKAGES"
make-torch "$FAKE_PACKAGES"
setup --dev
[ "$(readlink "$ours")" = "$FAKE_PACKAGES" ] || fail "expected Python's torch for development, with CUDA or without"

rm -rf "$ours" "$FAKE_PACKAGES"
setup
[ ! -L "$ours" ] && [ -f "$ours/torch/lib/libtorch_cpu.so" ] || fail "expected a download where Python has no torch"

[ ! -f "$ours/torch/lib/libtorch_cuda.so" ] || fail "expected no GPU libraries for a CPU build"
setup --cuda
[ -f "$ours/torch/lib/libtorch_cuda.so" ] || fail "expected the GPU libraries after a set-up for a CPU"

rm -rf "$ours"
setup
setup --dev
[ -f "$ours/torch/lib/libtorch_cuda.so" ] && [ ! -d "$ours/nvidia" ] ||
  fail "expected the GPU libraries of LibTorch's wheel for development, and none of CUDA"
setup
[ -f "$ours/torch/lib/libtorch_cuda.so" ] || fail "expected a set-up for a CPU to leave the GPU libraries"

rm -rf "$ours"
setup --caption --libtorch-later
! grep -q "METEOR" "$work/log" || fail "expected no tables of METEOR for captions"
setup --caption
[ -f "$ours/torch/lib/libtorch_cpu.so" ] || fail "expected the second call to wait for LibTorch"
grep -q "2.11.0 is there" "$work/log" || fail "expected the second call to find the LibTorch of the first"

touch "$XDG_CACHE_HOME/damaged"
setup
grep -q "METEOR: downloading" "$work/log" || fail "expected damaged tables of METEOR to be fetched again"

setup --docs
[ -d "$XDG_CACHE_HOME/ccexpert/docs-tools-1" ] || fail "expected the tools of the site"

rm -rf "$ours"
touch "$XDG_CACHE_HOME/slow" "$XDG_CACHE_HOME/lacks"
! "$source/scripts/setup.sh" > "$work/log" 2>&1 || fail "expected packages that cannot be installed to end the set-up"
grep -q "could not install the packages" "$work/log" || fail "expected one sentence"
flock -w 3 "$XDG_CACHE_HOME/ccexpert/lock" true || fail "expected the download to end with the set-up"
rm "$XDG_CACHE_HOME/started" "$XDG_CACHE_HOME/lacks"
"$source/scripts/setup.sh" > "$work/log" 2>&1 &
setup_job=$!
until [ -f "$XDG_CACHE_HOME/started" ]; do sleep 0.05; done
kill "$setup_job"
! wait "$setup_job" || fail "expected an interrupted set-up to fail"
flock -w 3 "$XDG_CACHE_HOME/ccexpert/lock" true || fail "expected the download to end with an interrupted set-up"
