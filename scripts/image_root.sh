#!/usr/bin/env bash
# Builds the programs and puts what an image has of them below a folder: scripts/image_root.sh cpu|cuda OUT, which the
# Containerfile calls.
#   OUT/usr/local      programs, manual pages, the demo model; share/ccexpert/install-packages installs their libraries
#   OUT/opt/ccexpert   METEOR's tables; for GPUs also LibTorch and CUDA's libraries, in the place where setup.sh has put them
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[ $# -eq 2 ] || die "usage: scripts/image_root.sh cpu|cuda OUT"
target=$1 out=$2
[ ! -e "$out" ] || [ -z "$(ls -A "$out")" ] || die "$out: expected a new or empty folder, got files"
cd "$repository"

# The programs of the Debian package have LibTorch beside them.
build_cpu() {
  cmake --preset package ${CCEXPERT_WERROR:+"-DCCEXPERT_WERROR=$CCEXPERT_WERROR"} > /dev/null
  cmake --build --preset package --parallel "$(build_jobs)"
  cmake --install build/package --component programs --prefix "$out/usr/local" --strip > /dev/null
}

# On a GPU, LibTorch opens libraries at run time that no program names: all of them come along.
build_cuda() {
  local folder
  cmake --preset cuda -DCCEXPERT_BUILD_TESTS=OFF > /dev/null
  cmake --build --preset cuda --parallel "$(build_jobs)"
  cmake --install build/cuda --component programs --prefix "$out/usr/local" --strip > /dev/null
  for folder in "$cache"/libtorch-*/torch/lib "$cache"/libtorch-*/nvidia/*/lib; do
    find "$folder" -name '*.so*' ! -name '*python*' -exec cp --parents {} "$out" \;
  done
}

case $target in
  cpu | cuda) say "programs"; "build_$target" ;;
  *) die "target: expected cpu or cuda, got $target" ;;
esac
mkdir -p "$out/opt/ccexpert"
cp -r "$cache/meteor-1.5" "$out/opt/ccexpert"

# libraries PROGRAM...: the files of all libraries that the programs load.
libraries() { ldd "$@" 2> /dev/null | awk '$3 ~ "^/" {print $3}' | sort -u; }

mapfile -t programs < <(find "$out/usr/local/bin" "$out/usr/local/libexec" -type f)
say "libraries of ${#programs[@]} programs"
mapfile -t loaded < <(libraries "${programs[@]}")
share=$out/usr/local/share/ccexpert
mkdir -p "$share"
{
  # Debian 12 knows libraries of /lib and /usr/lib by either name.
  printf '%s\n' "${loaded[@]}" | grep -v -e "^$cache/" -e "^$out/" | xargs -n 1 realpath | sed 'p; s#^/usr/lib/#/lib/#' |
    { xargs dpkg -S 2> /dev/null || true; } | cut -d : -f 1
  echo fonts-dejavu-core # figures of ccexpert-eval
} | sort -u > "$share/packages"
cat > "$share/install-packages" <<'SCRIPT'
#!/bin/sh
# Installs Debian's packages of the libraries that the programs load, and adds the user that runs them.
set -e
apt-get -q update
xargs apt-get -q -y install --no-install-recommends < /usr/local/share/ccexpert/packages
rm -rf /var/lib/apt/lists/*
useradd --create-home --uid 1000 ccexpert
mkdir -p /data
chown ccexpert /data
SCRIPT
chmod +x "$share/install-packages"
say "$out: $(du -sm "$out" | cut -f1) MB"
