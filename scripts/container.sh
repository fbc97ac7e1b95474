#!/usr/bin/env bash
# Builds an image of ccexpert with buildah (Debian's package), and tries it; needs no registry and no daemon.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
  cat <<'TEXT'
usage: scripts/container.sh [cpu|cuda] [--base IMAGE] [--archive FILE] [--reuse-cache]

  cpu, cuda        target of the Containerfile (default: cpu); the image is called ccexpert:cpu or ccexpert:cuda
  --base IMAGE     Debian's image to start from; without it, one is made from Debian's archive by debootstrap
  --archive FILE   also writes the image as a file, for podman load or docker load
  --reuse-cache    build with the caches of this machine: LibTorch, METEOR's tables and compiled objects
TEXT
}

target=cpu base= archive= reuse=false
while [ $# -gt 0 ]; do
  case $1 in
    cpu | cuda) target=$1; shift ;;
    --base | --archive) [ $# -ge 2 ] || { usage >&2; die "$1: expected a value, got none"; }
      if [ "$1" = --base ]; then base=$2; else archive=$(realpath -m "$2"); fi
      shift 2 ;;
    --reuse-cache) reuse=true; shift ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; die "unknown argument $1" ;;
  esac
done
command -v buildah > /dev/null || die "buildah: expected the program, got none (apt-get install buildah)"
cd "$repository"

# Without a kernel that lets an ordinary container start, as inside of another one: a changed root and plain folders.
export BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-chroot} STORAGE_DRIVER=${STORAGE_DRIVER:-vfs}

# The smallest Debian, of which apt checks every package by Debian's signature.
make_base() {
  local folder container mirror=${CCEXPERT_DEBIAN_MIRROR:-http://deb.debian.org}
  command -v debootstrap > /dev/null || die "debootstrap: expected the program, got none (apt-get install debootstrap; or --base IMAGE)"
  say "base: Debian bookworm from its archive"
  folder=$(mktemp -d)
  debootstrap --variant=minbase --include=ca-certificates bookworm "$folder" "$mirror/debian" \
    > "$folder.log" 2>&1 || { tail -n 5 "$folder.log" >&2; die "debootstrap: could not make a base"; }
  printf 'deb %s\n' "$mirror/debian bookworm main" "$mirror/debian bookworm-updates main" \
    "$mirror/debian-security bookworm-security main" > "$folder/etc/apt/sources.list"
  rm -rf "$folder"/var/lib/apt/lists/* "$folder"/var/cache/apt/archives/*.deb
  container=$(buildah from scratch)
  buildah add -q "$container" "$folder" / > /dev/null
  buildah commit -q "$container" localhost/ccexpert-base:bookworm > /dev/null
  buildah rm "$container" > /dev/null
  rm -rf "$folder" "$folder.log"
}

if [ -z "$base" ]; then
  base=localhost/ccexpert-base:bookworm
  buildah inspect --type image "$base" > /dev/null 2>&1 || make_base
fi
options=()
if $reuse; then
  # At the same place as here, so that compiled objects are found.
  [ "$target" = cpu ] || die "--reuse-cache: expected the target cpu, got $target (its image has LibTorch in another place)"
  options+=(--volume "$cache:$cache" --volume "${CCACHE_DIR:-${HOME:-}/.cache/ccache}:${HOME:-}/.cache/ccache")
  options+=(--build-arg "CACHE=$(dirname "$cache")")
fi
say "image: ccexpert:$target from $base"
# Layers that stay spare a second build the downloads; with plain folders each is a copy of all files.
[ "$STORAGE_DRIVER" = vfs ] || options+=(--layers)
buildah build --target "$target" --build-arg "BASE=$base" "${options[@]}" --tag "ccexpert:$target" .

say "caption in the image"
container=$(buildah from "ccexpert:$target")
trap 'buildah rm "$container" > /dev/null' EXIT
images=$repository/docs/images/demo
caption=$(buildah run --volume "$images:/data" "$container" -- ccexpert-caption --quiet --device cpu before.png after.png)
say "$caption"
[ -n "$caption" ] || die "expected a caption, got none"
if [ -n "$archive" ]; then buildah push -q "ccexpert:$target" "docker-archive:$archive:ccexpert:$target"; fi
