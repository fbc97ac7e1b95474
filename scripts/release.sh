#!/usr/bin/env bash
# Makes the files of a release: source, packages, wheels, SBOM and checksums. The same commit gives the same bytes.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
  cat <<'TEXT'
usage: scripts/release.sh [--output DIR] [--twice] [source] [packages] [wheels]

  source     ccexpert-VERSION-source.tar.gz: the tree of the commit
  packages   Debian packages and the tarball of programs, by scripts/make_package.sh
  wheels     the Python packages ccexpert and ccexpert-metrics
  without one of them, all three

  --output DIR   new or empty folder (default: build/release-VERSION)
  --twice        makes everything again, from another folder, and compares each byte

The notes of the version (CHANGELOG.md), ccexpert-VERSION.spdx.json (what the files contain and were built with) and
SHA256SUMS are always written. Everything is made from a clone of the last commit: what is not committed takes no part.
TEXT
}

output='' twice=false parts=()
while [ $# -gt 0 ]; do
  case $1 in
    --output) [ $# -ge 2 ] || { usage >&2; die "--output: expected a folder, got none"; }
      output=$2; shift 2 ;;
    --twice) twice=true; shift ;;
    source | packages | wheels) parts+=("$1"); shift ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; die "unknown argument $1" ;;
  esac
done
[ ${#parts[@]} -gt 0 ] || parts=(source packages wheels)
cd "$repository"
version=$(git show HEAD:VERSION)
output=$(realpath -m "${output:-build/release-$version}")
[ ! -e "$output" ] || [ -z "$(ls -A "$output")" ] || die "$output: expected a new or empty folder, got files"
git diff --quiet HEAD || say "note: changes that are not committed take no part"
for tag in $(git tag --points-at HEAD 'v*'); do
  [ "$tag" = "v$version" ] || die "VERSION: expected that of the tag $tag, got $version"
done

# Bytes must depend on the commit alone: not on the time, the language, the user or the folder.
SOURCE_DATE_EPOCH=$(git show -s --format=%ct HEAD)
export SOURCE_DATE_EPOCH LC_ALL=C TZ=UTC PYTHONHASHSEED=0
umask 022

make_source() {
  git -C "$1" archive --format=tar --prefix="ccexpert-$version/" HEAD | gzip -9 -n > "$2/ccexpert-$version-source.tar.gz"
}

make_packages() {
  (cd "$1" && CXXFLAGS="$maps" scripts/make_package.sh)
  cp "$1"/build/package/packages/*.deb "$1"/build/package/packages/*.tar.xz "$2"
}

make_wheels() {
  (cd "$1" && CXXFLAGS="$maps" scripts/check_python.sh --work "$1/build/python" wheels repair)
  cp "$1"/build/python/repaired/*.whl "$2"
}

# The section of this version in CHANGELOG.md, or that of what is not released.
make_notes() {
  local heading="## $version"
  grep -q "^$heading" "$1/CHANGELOG.md" || heading="## Unreleased"
  awk -v heading="$heading" '/^## / {here = index($0, heading) == 1; next} here' "$1/CHANGELOG.md" > "$2/ccexpert-$version-notes.md"
}

# Prints the programs and libraries that a release contains, for the list of what they load.
built_programs() {
  mkdir -p "$1/build" "$1/tools/python"
  find "$1/build" "$1/tools/python" -type f -perm -u+x \( -path '*/tools/ccexpert-*' -o -name '_native*.so' \) ! -path '*/CMakeFiles/*' | sort
}

make_release() {
  local clone=$1 out=$2 part binaries artifacts
  mkdir -p "$out"
  maps="-ffile-prefix-map=$clone=/usr/src/ccexpert -ffile-prefix-map=$cache=/usr/src/ccexpert-cache"
  for part in "${parts[@]}"; do
    say "$part"
    "make_$part" "$clone" "$out"
  done
  say "notes, SBOM, checksums"
  make_notes "$clone" "$out"
  mapfile -t binaries < <(built_programs "$clone")
  mapfile -t artifacts < <(find "$out" -type f ! -name '*-notes.md' | sort)
  python3 "$clone/scripts/sbom.py" "$clone" --output "$out/ccexpert-$version.spdx.json" \
    --binary "${binaries[@]}" --artifact "${artifacts[@]}"
  (cd "$out" && find . -type f ! -name SHA256SUMS -printf '%P\n' | sort | xargs sha256sum > SHA256SUMS)
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git clone --quiet "$repository" "$work/first"
make_release "$work/first" "$work/out"
if $twice; then
  say "again, from another folder"
  git clone --quiet "$repository" "$work/the-second-clone"
  make_release "$work/the-second-clone" "$work/again"
  diff -r "$work/out" "$work/again" || die "expected the same bytes twice, got those above"
  say "the same bytes twice"
fi
mkdir -p "$output"
cp "$work"/out/* "$output"
say "release $version in $output:"
ls -l "$output" | awk 'NR > 1 {printf "   %12d %s\n", $5, $NF}'
