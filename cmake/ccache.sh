#!/bin/sh
# A compiler launcher: ccache.sh ROOT CCACHE COMPILER ARGUMENT...
#
# Objects of two checkouts or build folders are the same to ccache: paths below ROOT are relative, and a precompiled
# header is known by the text of its headers (NAME.gch.sum), as its bytes name the folder in which it was made.
root=$1 ccache=$2
shift 2
# The time stamp of a precompiled header would otherwise make every compilation a miss. The locale changes only messages:
# a release with LC_ALL=C takes the objects of other builds.
export CCACHE_BASEDIR="$root" CCACHE_PCH_EXTSUM=1
export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime,locale
"$ccache" "$@" || exit
output='' dependencies='' previous=''
for argument; do
  case $previous in
    -o) output=$argument ;;
    -MF) dependencies=$argument ;;
  esac
  previous=$argument
done
case $output in
  *.gch | *.pch)
    # "target: header \" and so on; CMake's own header is a line with the absolute path of ours.
    tr -d '\\' < "$dependencies" | tr ' ' '\n' | grep '^[/.]' | grep -v -e ':$' -e 'cmake_pch\.hxx' | LC_ALL=C sort -u |
      xargs cat | sha256sum > "$output.sum"
    ;;
esac
