#!/usr/bin/env bash
# scripts/wheel_licences.py on a small wheel: licences of bundled libraries, of Debian's headers and of those of Python
# packages, twice the same bytes: wheel_licences.sh SOURCE
set -euo pipefail
source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$*"; cat "$work/log"; exit 1; }

# An object of a header of Debian, of one of the C library, and of two of Python packages.
site=$work/site-packages
mkdir -p "$work/build" "$site/binder/ext/robin/include" "$site/torch"
for package in binder torch; do
  mkdir -p "$site/$package-1.0.dist-info/licenses"
  echo "licence of $package" > "$site/$package-1.0.dist-info/licenses/LICENSE"
done
printf '/* Copyright of robin */\nint robin;\n' > "$site/binder/ext/robin/include/robin.h"
touch "$site/torch/torch.h"
cat > "$work/build/build.ninja" << NINJA
rule compile
  command = printf '%s: %s\n' \$out '/usr/include/zlib.h /usr/include/stdio.h $site/torch/torch.h ../site-packages/binder/ext/robin/include/robin.h' > \$out.d && touch \$out
  deps = gcc
  depfile = \$out.d
build object: compile
NINJA
ninja -C "$work/build" > "$work/log"

lzma=$(basename "$(find /usr/lib -name 'liblzma.so.5.*' | head -n 1)")
lzma=liblzma-0a1b2c3d${lzma#liblzma}

# wheel LIBRARY: a wheel as auditwheel leaves it, with that library and liblzma.
wheel() {
  python3 - "$work/small-1.0-py3-none-any.whl" "$1" "$lzma" << 'PYTHON'
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as archive:
    for name, text in {"small/__init__.py": "", f"small.libs/{sys.argv[2]}": "ELF", f"small.libs/{sys.argv[3]}": "ELF",
                       "small-1.0.dist-info/METADATA": "Metadata-Version: 2.4\nName: small\nVersion: 1.0\n\nAbout.\n",
                       "small-1.0.dist-info/RECORD": ""}.items():
        archive.writestr(zipfile.ZipInfo(name, (2026, 1, 2, 3, 4, 4)), text)
PYTHON
}
licences() { "$source/scripts/wheel_licences.py" "$work/small-1.0-py3-none-any.whl" "$work/build" > "$work/log" 2>&1; }

wheel libstdc++-0a1b2c3d.so.6
licences || fail "expected licences"
cp "$work/small-1.0-py3-none-any.whl" "$work/first"
wheel libstdc++-0a1b2c3d.so.6
licences || fail "expected licences"
cmp "$work/first" "$work/small-1.0-py3-none-any.whl" || fail "expected the same bytes twice"

python3 - "$work/first" << 'PYTHON' || fail "expected the licences of five packages"
import base64, csv, hashlib, io, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
info = "small-1.0.dist-info/"
names = [name for name in archive.namelist() if name.startswith(info + "licenses/third-party/")]
packages = {name.split("/")[3] for name in names}
# GCC is here for its library, not for its headers; the C library has only a header; torch is a package by itself.
# The file of liblzma is in /usr/lib, and in /lib for dpkg.
assert any(package.startswith("gcc-") for package in packages), packages
assert {package for package in packages if not package.startswith("gcc-")} == {"xz-utils", "zlib", "binder", "robin", "common-licenses"}, packages
read = lambda name: archive.read(f"{info}licenses/third-party/{name}").decode()
assert read("binder/LICENSE") == "licence of binder\n"
assert read("robin/LICENSE") == "/* Copyright of robin */\n", read("robin/LICENSE")
assert "Mark Adler" in read("zlib/copyright")
head, _, description = archive.read(info + "METADATA").decode().partition("\n\n")
fields = [line.removeprefix("License-File: ") for line in head.splitlines() if line.startswith("License-File")]
assert [f"{info}licenses/{field}" for field in fields] == names, fields
assert description == "About.\n"
rows = {row[0]: row[1:] for row in csv.reader(io.StringIO(archive.read(info + "RECORD").decode()))}
assert set(rows) == set(archive.namelist()), rows
for name, (digest, size) in rows.items():
    content = archive.read(name)
    if name != info + "RECORD":
        expected = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        assert (digest, size) == (f"sha256={expected}", str(len(content))), name
PYTHON

wheel libunheard-0a1b2c3d.so.1
! licences || fail "expected a library that no package owns to be refused"
grep -q "libunheard.so.1: expected a library of a package of Debian" "$work/log" || fail "expected one sentence"
rm "$work/build/build.ninja"
! licences || fail "expected a folder without a build to be refused"
grep -q "expected a build of Ninja, got" "$work/log" || fail "expected one sentence"
