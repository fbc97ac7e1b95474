#!/usr/bin/env bash
# Builds an image of ccexpert with buildah (Debian's package), and tries it; needs no registry and no daemon.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
source "$repository/scripts/debian_root.sh"

usage() {
  cat <<'TEXT'
usage: scripts/container.sh [cpu|cuda] [--base IMAGE] [--archive FILE] [--reuse-cache]

  cpu, cuda        target of the Containerfile (default: cpu); the image is called ccexpert:cpu or ccexpert:cuda
  --base IMAGE     Debian's image to start from; without it, one is made from Debian's archive by debootstrap, as root
  --archive FILE   also writes the image as a file, for podman load or docker load
  --reuse-cache    build with the caches of this machine: LibTorch, METEOR's tables and compiled objects

CCEXPERT_DEBIAN_MIRROR names a mirror, such as http://deb.debian.org/debian, in place of this machine's.
TEXT
}

target=cpu base='' archive='' reuse=false
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

work=$(mktemp -d)
container=
clean_up() {
  if [ -n "$container" ]; then buildah rm "$container" > /dev/null || true; fi
  rm -rf --one-file-system "$work"
}
trap clean_up EXIT

# The smallest Debian, of which apt checks every package by Debian's signature.
make_base() {
  local mirror security
  mirror=$(debian_mirror)
  say "base: Debian bookworm from its archive"
  make_debian_root "$work/base"
  quietly in_debian_root "$work/base" apt-get -q update
  quietly in_debian_root "$work/base" apt-get -q -y install --no-install-recommends ca-certificates
  # Updates of security are beside the archive, on mirrors too.
  case ${mirror%/} in
    */debian) security=${mirror%/}-security ;;
    *) security=http://deb.debian.org/debian-security ;;
  esac
  printf 'deb %s\n' "$mirror bookworm main" "$mirror bookworm-updates main" "$security bookworm-security main" \
    > "$work/base/etc/apt/sources.list"
  # What is of this machine is no part of the image.
  forget_machine "$work/base"
  container=$(buildah from scratch)
  buildah add -q "$container" "$work/base" / > /dev/null
  buildah commit -q "$container" localhost/ccexpert-base:bookworm > /dev/null
  buildah rm "$container" > /dev/null
  container=
}

quietly() { "$@" > "$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; die "$*: failed"; }; }

if [ -z "$base" ]; then
  base=localhost/ccexpert-base:bookworm
  buildah inspect --type image "$base" > /dev/null 2>&1 || make_base
fi
options=()
if $reuse; then
  # At the same place as here, so that compiled objects are found.
  [ "$target" = cpu ] || die "--reuse-cache: expected the target cpu, got $target (its image has LibTorch in another place)"
  ccache=${CCACHE_DIR:-${HOME:-}/.cache/ccache}
  mkdir -p "$cache" "$ccache"
  options+=(--volume "$cache:$cache" --volume "$ccache:${HOME:-}/.cache/ccache")
  options+=(--build-arg "CACHE=$(dirname "$cache")")
  # ccache tells objects apart by the language of messages and by -Werror.
  for name in LANG CCEXPERT_WERROR; do
    if [ -n "${!name:-}" ]; then options+=(--build-arg "$name=${!name}"); fi
  done
fi
say "image: ccexpert:$target from $base"
# Layers that stay spare a second build the downloads; with plain folders each is a copy of all files.
[ "$STORAGE_DRIVER" = vfs ] || options+=(--layers)
buildah build --target "$target" --build-arg "BASE=$base" "${options[@]}" --tag "ccexpert:$target" .

say "caption in the image"
container=$(buildah from "ccexpert:$target")
images=$repository/docs/images/demo
caption=$(buildah run --volume "$images:/data" "$container" -- ccexpert-caption --quiet --device cpu before.png after.png)
say "$caption"
[ -n "$caption" ] || die "expected a caption, got none"
if [ -n "$archive" ]; then buildah push -q "ccexpert:$target" "docker-archive:$archive:ccexpert:$target"; fi
