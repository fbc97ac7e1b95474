#!/usr/bin/env bash
# Builds the Debian packages and the relocatable tarball in build/package/packages, and checks the packages by lintian if
# that is installed: scripts/make_package.sh [--deb] [--tarball]; without arguments, both. Two builds of a commit in one
# place are byte-equal.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$repository"
build_folder=build/package
packages=$repository/$build_folder/packages

# Times in the packages are those of the commit, or of the file VERSION in a source tarball, which has that time.
# The tarball may lie in the checkout of another project.
time_of_source() {
  if [ -e .git ]; then git show -s --format=%ct HEAD; else stat -c %Y VERSION; fi
}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(time_of_source)}
export SOURCE_DATE_EPOCH
umask 022

make_debs() {
  local dpkg_tool
  for dpkg_tool in dpkg-shlibdeps file; do
    command -v "$dpkg_tool" > /dev/null || die "$dpkg_tool is missing (apt-get install dpkg-dev file)"
  done
  say "Debian packages"
  rm -f "$packages"/*.deb
  (cd "$build_folder" && cpack -G DEB > cpack.log 2>&1) || { tail -n 20 "$build_folder/cpack.log" >&2; die "cpack failed"; }
  rm -rf "$packages/_CPack_Packages"
  if command -v lintian > /dev/null; then
    say "lintian"
    lintian --allow-root --fail-on error "$packages"/*.deb
  fi
}

# Prints the libraries that programs load, without those of the C library, which must fit the system's loader.
libraries_of() {
  find "$1/bin" "$1/libexec" "$1"/lib/*/ccexpert -type f \( -perm -100 -o -name '*.so*' \) -exec ldd {} + |
    awk '$2 == "=>" && $3 ~ /^\// {print $3}' | grep -v "^$1/" | sort -u |
    grep -vE '/(libc|libm|libdl|librt|libpthread|libresolv|libutil|ld-linux-x86-64|libnss_[a-z]+|libanl)\.so'
}

# Prints the package of a file, which dpkg knows with or without /usr.
package_of() {
  local file=$1
  { dpkg-query -S "$file" || dpkg-query -S "${file#/usr}"; } 2> /dev/null | head -n 1 | cut -d : -f 1
}

# bundle FOLDER: copies the libraries of Debian into its lib/, with their licences and the texts that these name, and
# PROJ's data base to the place beside lib/ where libproj looks for it.
bundle() {
  local folder library package licences text
  folder=$(cd "$1" && pwd)
  licences=$folder/share/doc/ccexpert/licences
  mkdir -p "$licences/common-licenses" "$folder/share/proj"
  cp /usr/share/proj/proj.db "$folder/share/proj/"
  libraries_of "$folder" | while read -r library; do
    cp -L "$library" "$folder/lib/"
    package=$(package_of "$(realpath "$library")") || die "$library: expected a file of a package of Debian"
    cp -L "/usr/share/doc/$package/copyright" "$licences/$package"
  done
  grep -rhoE '/usr/share/common-licenses/[A-Za-z]+0?(-[0-9.]*[0-9])?' "$licences" | sort -u | while read -r text; do
    if [ -f "$text" ]; then cp -L "$text" "$licences/common-licenses"; fi
  done
  # A program's RPATH also serves the libraries that it loads; its RUNPATH would not.
  for library in "$1"/bin/*; do set_path "$library" ..; done
  for library in "$1"/libexec/ccexpert/*; do set_path "$library" ../..; done
}

set_path() {
  patchelf --force-rpath --set-rpath "\$ORIGIN/$2/lib/$triplet/ccexpert/torch/lib:\$ORIGIN/$2/lib" "$1"
}

make_tarball() {
  local name folder
  command -v patchelf > /dev/null || die "patchelf is missing (apt-get install patchelf)"
  say "tarball"
  triplet=$(gcc -print-multiarch)
  name=ccexpert-$(sed -n 's/^CMAKE_PROJECT_VERSION:STATIC=//p' "$build_folder/CMakeCache.txt")-linux-x86_64
  folder=$build_folder/tarball/$name
  rm -rf "$build_folder/tarball"
  cmake --install "$build_folder" --strip --prefix "$folder" > "$build_folder/install.log"
  bundle "$folder"
  cp LICENSE README.md docs/install.md "$folder/share/doc/ccexpert/"
  mkdir -p "$packages"
  tar -C "$build_folder/tarball" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -cf - "$name" |
    xz -T 0 -3 > "$packages/$name.tar.xz"
  rm -rf "$build_folder/tarball"
}

steps=()
for argument in "$@"; do
  case $argument in
    --deb) steps+=(make_debs) ;;
    --tarball) steps+=(make_tarball) ;;
    *) die "usage: scripts/make_package.sh [--deb] [--tarball]" ;;
  esac
done
[ ${#steps[@]} -gt 0 ] || steps=(make_debs make_tarball)
configure_and_build package all
for step in "${steps[@]}"; do "$step"; done
ls -l "$packages"
