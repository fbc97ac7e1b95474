#!/usr/bin/env bash
# Tries the packages of scripts/make_package.sh on bare Debian roots: installs, captions and maps a pair, builds a program
# against the library, and removes; unpacks the tarball somewhere, captions and maps. Needs root and debootstrap:
# scripts/check_package.sh [deb] [devel] [tarball]; without arguments, all.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
source "$repository/scripts/debian_root.sh"
packages=$repository/build/package/packages
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
root=$work/root
expected=$("$repository/build/package/tools/ccexpert-caption" --quiet "$repository"/docs/images/demo/{before,after}.png)

quietly() { "$@" > "$work/log" 2>&1 || { tail -n 30 "$work/log" >&2; die "$*: failed"; }; }
enter() { in_debian_root "$root" "$@"; }
only() { [ $# -eq 1 ] && [ -f "$1" ] || die "$packages: expected one file (scripts/make_package.sh makes it), got $*"; }
files() { (cd "$root" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./pair \) -prune -o -print | LC_ALL=C sort); }
# What apt, dpkg and their triggers keep of any package that ever was installed: lists, logs, caches, and copies of the
# files of users.
kept='var/lib/(apt|dpkg|ucf|systemd|python)(/.*)?|(var/log|var/cache|run|tmp|root)(/.*)?|ccexpert\.deb'
kept+='|etc/ld\.so\.cache|etc/(passwd|group|shadow|gshadow|subuid|subgid)-'

fresh_root() {
  local date
  rm -rf --one-file-system "$root"
  make_debian_root "$root"
  mkdir "$root/pair"
  cp "$repository"/docs/images/demo/{before,after}.png "$root/pair"
  # The same pair on the ground, which is a scene of one tile.
  mkdir "$root/pair/scene"
  for date in before after; do
    cp "$root/pair/$date.png" "$root/pair/scene"
    echo '<PAMDataset><SRS>EPSG:32633</SRS><GeoTransform>500000, 1, 0, 5000000, 0, -1</GeoTransform></PAMDataset>' \
      > "$root/pair/scene/$date.png.aux.xml"
  done
}

# expect_caption PROGRAM
expect_caption() {
  local caption
  caption=$(enter "$1" --quiet /pair/before.png /pair/after.png)
  [ "$caption" = "$expected" ] || die "$1: expected '$expected', got '$caption'"
  say "caption by $1: $caption"
}

# expect_map PROGRAM
expect_map() {
  enter "$1" --quiet --all /pair/scene/before.png /pair/scene/after.png -o /pair/changes.geojson
  grep -qF "$expected" "$root/pair/changes.geojson" || die "$1: expected a tile with '$expected'"
  say "map by $1: a tile with the caption"
}

# expect_programs FOLDER: those that only a machine with GDAL builds are there too, and all run.
expect_programs() {
  local name program
  for name in caption data eval map quantize serve train watch; do
    [ -x "$root$1/ccexpert-$name" ] || die "$1/ccexpert-$name: expected a program, got none"
  done
  for program in "$root$1"/ccexpert-*; do
    enter "${program#"$root"}" --version > /dev/null || die "$program does not run"
  done
}

check_deb() {
  local program name
  say "ccexpert on a bare Debian"
  only "$packages"/ccexpert_*.deb
  fresh_root
  cp "$packages"/ccexpert_*.deb "$root/ccexpert.deb"
  quietly enter apt-get -q update
  # What apt itself keeps is there before and after.
  enter dpkg-query -W > "$work/before"
  files > "$work/files-before"
  quietly enter apt-get -q -y install --no-install-recommends /ccexpert.deb
  expect_caption ccexpert-caption
  expect_map ccexpert-map
  expect_programs /usr/bin
  for program in "$root"/usr/bin/ccexpert-*; do
    name=$(basename "$program")
    [ -s "$root/usr/share/bash-completion/completions/$name" ] || die "$name has no completion"
  done
  [ -s "$root/usr/lib/systemd/system/ccexpert-serve.service" ] || [ -s "$root/lib/systemd/system/ccexpert-serve.service" ] ||
    die "expected the unit of ccexpert-serve"
  quietly enter apt-get -q -y purge ccexpert
  ! files | grep ccexpert | grep -v '^./ccexpert.deb$' > "$work/left" || { cat "$work/left"; die "files were left"; }
  quietly enter apt-get -q -y purge --autoremove
  enter dpkg-query -W > "$work/after"
  diff "$work/before" "$work/after" || die "packages were left"
  files > "$work/files-after"
  LC_ALL=C comm -13 "$work/files-before" "$work/files-after" | grep -vE "^\./($kept)\$" > "$work/left" || true
  [ ! -s "$work/left" ] || { cat "$work/left"; die "files were left"; }
  say "removal: nothing of ccexpert is left, nor a package that came with it"
}

check_devel() {
  say "libccexpert-dev: a program outside of the tree"
  only "$packages"/libccexpert-dev_*.deb
  fresh_root
  mkdir "$root/debs"
  cp "$packages"/*.deb "$root/debs"
  cp -r "$repository/tests/consumer" "$root/consumer"
  cp -r "$repository/tests/golden/checkpoint-tiny" "$root/checkpoint"
  quietly enter apt-get -q update
  quietly enter sh -c 'apt-get -q -y install --no-install-recommends /debs/*.deb g++ cmake ninja-build'
  quietly enter cmake -S /consumer -B /consumer/build -G Ninja
  quietly enter cmake --build /consumer/build
  local caption
  caption=$(enter /consumer/build/consumer /checkpoint /pair/before.png /pair/after.png)
  [ "$caption" = "many houses are built along the road ." ] || die "the program: expected another caption, got '$caption'"
  say "caption by the program: $caption"
}

check_tarball() {
  say "the tarball in a folder of its own, on a bare Debian"
  only "$packages"/ccexpert-*.tar.xz
  fresh_root
  mkdir -p "$root/some where"
  tar -C "$root/some where" -xf "$packages"/ccexpert-*.tar.xz
  mv "$root/some where"/ccexpert-* "$root/some where/ccexpert"
  expect_caption "/some where/ccexpert/bin/ccexpert-caption"
  expect_map "/some where/ccexpert/bin/ccexpert-map"
  expect_programs "/some where/ccexpert/bin"
}

[ $# -gt 0 ] || set -- deb devel tarball
for check in "$@"; do
  case $check in
    deb | devel | tarball) "check_$check" ;;
    *) die "unknown check $check (deb, devel, tarball)" ;;
  esac
done
say "packages: all checks passed"
