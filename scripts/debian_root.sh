# A bare Debian 12 in a folder, for scripts that try something on a fresh machine; sourced after common.sh. Needs root
# and debootstrap. Mirror, proxy and index come from this machine: CCEXPERT_DEBIAN_MIRROR (the address of an archive, such
# as http://deb.debian.org/debian) or /etc/apt, the variables *_proxy and PIP_*, /etc/pip.conf and the certificates in
# /etc/ssl/certs.
# shellcheck shell=bash

debian_mirror() {
  if [ -n "${CCEXPERT_DEBIAN_MIRROR:-}" ]; then
    echo "$CCEXPERT_DEBIAN_MIRROR"
    return
  fi
  { cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2> /dev/null || true; } |
    sed -nE 's,^(URIs:|deb +(\[[^]]*\] +)?)[[:space:]]*([^ ]+/debian/?)( .*)?$,\3,p' | head -n 1
}

# make_debian_root FOLDER: unpacks a root where only the packages of priority "required" and apt are installed.
make_debian_root() {
  local root=$1 mirror base=$cache/debian-bookworm.tar
  [ "$(id -u)" -eq 0 ] || die "a Debian root needs the rights of root"
  command -v debootstrap > /dev/null || die "debootstrap is missing (apt-get install debootstrap)"
  mirror=$(debian_mirror)
  [ -n "$mirror" ] || die "no mirror of Debian in /etc/apt; name one by CCEXPERT_DEBIAN_MIRROR"
  mkdir -p "$root" "$cache"
  if [ ! -f "$base" ]; then
    debootstrap --variant=minbase bookworm "$root" "$mirror" > "$root.log" 2>&1 ||
      { tail -n 20 "$root.log" >&2; die "debootstrap failed"; }
    rm -f "$root.log" "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*_*
    tar -C "$root" -cf "$base.new" .
    mv "$base.new" "$base"
  elif [ ! -d "$root/etc" ]; then
    tar -C "$root" -xf "$base"
  fi
  # The root that is kept may be of another mirror.
  echo "deb $mirror bookworm main" > "$root/etc/apt/sources.list"
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  if [ -f /etc/pip.conf ]; then cp /etc/pip.conf "$root/etc/pip.conf"; fi
  find /etc/apt/apt.conf.d -iname '*proxy*' -exec cp {} "$root/etc/apt/apt.conf.d/" \; 2> /dev/null || true
  # Certificates that this machine trusts beside Debian's.
  mkdir -p "$root/usr/local/share/ca-certificates"
  cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/" 2> /dev/null || true
  if [ -f /etc/ssl/certs/ca-certificates.crt ]; then
    cp /etc/ssl/certs/ca-certificates.crt "$root/usr/local/share/machine-certificates.pem"
  fi
}

# in_debian_root FOLDER COMMAND...: runs a command as root of it, without this machine's environment. What it mounts is
# gone afterwards.
in_debian_root() {
  local root=$1 keep=() name bundle=/usr/local/share/machine-certificates.pem
  shift
  for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY PIP_INDEX_URL PIP_EXTRA_INDEX_URL \
    PIP_TRUSTED_HOST PIP_DEFAULT_TIMEOUT; do
    if [ -n "${!name:-}" ]; then keep+=("$name=${!name}"); fi
  done
  if [ -f "$root$bundle" ]; then keep+=("PIP_CERT=$bundle"); fi
  unshare --mount --pid --fork sh -ec '
    root=$1; shift
    mount -t proc proc "$root/proc"
    mount -t tmpfs -o mode=755 tmpfs "$root/dev"
    for node in null zero random urandom tty; do touch "$root/dev/$node"; mount --bind "/dev/$node" "$root/dev/$node"; done
    ln -s /proc/self/fd "$root/dev/fd"
    mkdir -m 1777 "$root/dev/shm"
    exec chroot "$root" /usr/bin/env -i "$@"' sh "$root" HOME=/root LANG=C.UTF-8 TERM=dumb \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "${keep[@]}" "$@"
}

# forget_machine FOLDER: removes what make_debian_root copied from this machine, and what apt downloaded.
forget_machine() {
  local root=$1
  rm -f "$root/etc/resolv.conf" "$root/etc/pip.conf" "$root/usr/local/share/machine-certificates.pem" \
    "$root"/usr/local/share/ca-certificates/*.crt "$root"/var/cache/apt/archives/*.deb "$root"/var/log/{dpkg,apt/*}.log
  rm -rf "$root"/var/lib/apt/lists/*
  find "$root/etc/apt/apt.conf.d" -iname '*proxy*' -delete
}
