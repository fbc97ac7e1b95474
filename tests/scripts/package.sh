#!/usr/bin/env bash
# What an installation has, by component, and that packages name what exists: package.sh SOURCE BUILD
set -euo pipefail
source=$1 build=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$*"; exit 1; }
files() { (cd "$1" && find . ! -type d | sort); }

cmake --install "$build" --prefix "$work/all" > "$work/log"
for component in programs devel; do
  cmake --install "$build" --component "$component" --prefix "$work/$component" > "$work/log"
done
diff <(files "$work/all") <({ files "$work/programs"; files "$work/devel"; } | sort) ||
  fail "expected each installed file in one of the packages"
! files "$work/programs" | grep -E '\.(a|h|cmake)$' || fail "expected programs without what only a developer needs"

for program in "$work"/programs/bin/*; do
  name=$(basename "$program")
  for file in "man/man1/$name.1" "bash-completion/completions/$name" "zsh/site-functions/_$name" \
    "fish/vendor_completions.d/$name.fish"; do
    [ -s "$work/programs/share/$file" ] || fail "expected share/$file for $name"
  done
done
[ -f "$work/programs/share/ccexpert/models/demo/model.safetensors" ] || fail "expected the demo model"
[ -x "$work/programs/libexec/ccexpert/ccexpert-caption-run" ] || fail "expected the program with LibTorch"

# A service is of a program that is there, and starts it.
for unit in "$work"/programs/lib/systemd/system/*.service; do
  [ -e "$unit" ] || continue
  name=$(basename "$unit" .service)
  grep -q "^ExecStart=/.*/bin/$name\b" "$unit" || fail "$unit: expected it to start $name"
  [ -x "$work/programs/bin/$name" ] || fail "$unit: expected bin/$name"
done

# The development package depends on packages that this project knows.
known=$(sed -e 's/#.*//' "$source"/third_party/apt-packages*.txt | awk 'NF {print $1}')
needed=$(grep -oE '\b(lib[a-z0-9.+-]+-dev|zlib1g-dev|pkg-config)\b' "$source/cmake/CcexpertPackage.cmake" | grep -v ccexpert | sort -u)
[ "$(wc -l <<< "$needed")" -ge 15 ] || fail "expected the packages that libccexpert-dev needs, got $needed"
for package in $needed; do
  grep -qxF "$package" <<< "$known" || fail "$package: expected it in third_party/apt-packages*.txt"
done
