#!/usr/bin/env bash
# CMake calls of the scripts: configure.sh SOURCE. CMake is a fake: it prints its arguments, and fails if one is
# "broken".
set -euo pipefail
source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset CCEXPERT_WERROR
mkdir -p "$work/bin" "$work/tmp" "$work/tree/scripts"
cp "$source/scripts/common.sh" "$work/tree/scripts"
cat > "$work/bin/cmake" <<SCRIPT
#!/usr/bin/env bash
echo "\$*" | tee -a "$work/calls"
[[ "\$*" != *broken* ]]
SCRIPT
chmod +x "$work/bin/cmake"
export PATH=$work/bin:$PATH TMPDIR=$work/tmp XDG_CACHE_HOME=$work/cache

# configure ARGUMENT...: runs a script that configures, with its output in $work/output.
configure() { bash -c 'source "$0"; configure "$@"' "$work/tree/scripts/common.sh" "$@" > "$work/output" 2>&1; }
fail() { echo "$*"; cat "$work/output"; exit 1; }

configure release || fail "expected success"
[ ! -s "$work/output" ] || fail "expected no output"
[ "$(cat "$work/calls")" = "--preset release" ] || fail "expected no more arguments, got $(cat "$work/calls")"
CCEXPERT_WERROR=ON configure release || fail "expected success"
[ "$(tail -n 1 "$work/calls")" = "--preset release -DCCEXPERT_WERROR=ON" ] || fail "expected warnings to be errors where asked"
mkdir -p "$work/cache/ccexpert/python-tools-4"
configure release || fail "expected success"
[[ "$(tail -n 1 "$work/calls")" = *"-DCCEXPERT_PYTHON=ON -DCCEXPERT_PYTHON_TOOLS=$work/cache/ccexpert/python-tools-4" ]] ||
  fail "expected the Python modules if their tools are installed"
configure asan || fail "expected success"
[ "$(tail -n 1 "$work/calls")" = "--preset asan" ] || fail "expected the Python modules only in the release build"
! configure broken || fail "expected failure"
grep -q -- "--preset broken" "$work/output" || fail "expected what CMake said"
grep -q "error: CMake could not configure the build" "$work/output" || fail "expected one line at the end"
[ -z "$(ls "$TMPDIR")" ] || fail "expected no temporary file to stay"
grep -q "^export CCEXPERT_WERROR=ON$" "$source/.ci/run" || fail "expected CI to treat warnings as errors"
