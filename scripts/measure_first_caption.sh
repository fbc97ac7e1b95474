#!/usr/bin/env bash
# Measures the time from a clone to a caption on a fresh Debian 12 with two cores. Needs root and debootstrap.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
source "$repository/scripts/debian_root.sh"
[ $# -eq 0 ] || die "usage: scripts/measure_first_caption.sh (CCEXPERT_DEBIAN_MIRROR names a mirror)"

work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
root=$work/root
say "a bare Debian"
make_debian_root "$root"
# Who clones has git. The clone comes from here, without the network.
in_debian_root "$root" sh -c 'apt-get -q update && apt-get -q -y install --no-install-recommends git ca-certificates' \
  > "$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; die "git could not be installed"; }
in_debian_root "$root" sh -c 'apt-get clean && rm -rf /var/lib/apt/lists/*'
git -C "$repository" bundle create -q "$root/ccexpert.bundle" HEAD
sync

cores=$(taskset -cp $$ | sed -E 's/.*: ([0-9]+)(-([0-9]+)|,([0-9]+))?.*/\1,\3\4/; s/,$//')
say "on cores $cores, load $(cut -d ' ' -f 1 /proc/loadavg): clone and scripts/demo.sh"
taskset -cp "$cores" $$ > /dev/null
TIMEFORMAT="== in all: %1R s (processor: %1U s in programs, %1S s in the system)"
time in_debian_root "$root" bash -c '
  TIMEFORMAT="== clone: %1R s"
  time git clone -q /ccexpert.bundle /root/ccexpert
  cd /root/ccexpert && scripts/demo.sh'
