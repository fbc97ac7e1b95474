#!/usr/bin/env bash
# Makes a caption benchmark of SECOND: whole pairs with captions from their class maps, in a fixed split.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
  cat <<'TEXT'
usage: scripts/make_second_benchmark.sh [--data PROGRAM] [--against TEST.json] SECOND OUT

  SECOND            folder with train/{im1,im2,label1,label2}
  OUT               folder for train.json, val.json and test.json; new or empty
  --data PROGRAM    ccexpert-data (build/release/tools/ccexpert-data)
  --against FILE    test list of another benchmark: report pairs of SECOND that it shares

docs/data.md has the protocol. OUT/all holds the lists before the split, and the class maps.
TEXT
}

data=$repository/build/release/tools/ccexpert-data
against=
folders=()
while [ $# -gt 0 ]; do
  case $1 in
    --data | --against) [ $# -ge 2 ] || { usage >&2; die "$1: expected a value, got none"; } ;;
  esac
  case $1 in
    --data) data=$2; shift 2 ;;
    --against) against=$2; shift 2 ;;
    --help | -h) usage; exit 0 ;;
    -*) usage >&2; die "unknown option $1" ;;
    *) folders+=("$1"); shift ;;
  esac
done
[ ${#folders[@]} = 2 ] || { usage >&2; die "expected SECOND and OUT"; }
second=${folders[0]} out=${folders[1]}
[ -x "$data" ] || die "$data: expected the program ccexpert-data (build it, or use --data)"
[ ! -e "$out" ] || { [ -d "$out" ] && [ -z "$(ls -A "$out")" ]; } || die "$out: expected a new or empty folder, got files"

say "captions"
"$data" convert second "$second" -o "$out/all" --no-crops --overwrite
say "split"
# Both numbers are part of the protocol: with others the scores are of another benchmark.
"$data" split "$out/all/train.json" -o "$out" --shares 0.7,0.1,0.2 --seed 42
say "check"
"$data" validate "$out/train.json" "$out/val.json" "$out/test.json" ||
  die "$out: expected lists without problems, got those above (mend the files of $second and start with an empty OUT)"
if [ -n "$against" ]; then
  say "overlap"
  "$data" overlap "$out/all/train.json" --against "$against" -o "$out/overlap.json"
fi
