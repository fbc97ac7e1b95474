#!/usr/bin/env bash
# Fuzzes what reads files and connections: scripts/fuzz.sh MINUTES [TARGET...]. Without targets, all of them share the minutes.
#
# Builds the targets of the preset asan (libFuzzer, AddressSanitizer, UBSan) and runs one target after the other. Inputs are
# tests/fuzz/corpus, the inputs that earlier runs collected in build/fuzz/run/found, and mutations of both. An input that
# makes a reader crash, hang or throw anything but Error is kept in build/fuzz/run/finds. The script then prints the
# command that reproduces it, and exits with status 1.
#
#   CCEXPERT_FUZZ_JOBS=N   targets to run at the same time (default: 1); each job runs for MINUTES
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() { sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

targets() { for source in "$repository"/tests/fuzz/*_fuzz.cpp; do basename "$source" _fuzz.cpp; done | grep -vxE 'adapter|training_state'; }

[ $# -gt 0 ] || { usage >&2; exit 2; }
case $1 in
  -h | --help) usage; exit ;;
  *[!0-9.]* | '' | . | *.*.*) die "MINUTES: expected a number, got '$1'" ;;
esac
minutes=$1 jobs=${CCEXPERT_FUZZ_JOBS:-1}
shift
mapfile -t known < <(targets)
[ $# -gt 0 ] || set -- "${known[@]}"
for target; do
  printf '%s\n' "${known[@]}" | grep -qxF -- "$target" || die "TARGET: expected one of ${known[*]}, got '$target'"
done
seconds=$(awk -v minutes="$minutes" -v jobs="$jobs" -v count=$# 'BEGIN {s = int(60 * minutes * jobs / count); print s < 1 ? 1 : s}')
folder=$repository/build/fuzz/run
mkdir -p "$folder/finds" "$folder/logs"

configure_and_build asan "${@/%/_fuzz}"

# run_target TARGET: reports start and result; returns 1 for a finding.
run_target() {
  local target=$1 program=$repository/build/asan/tests/fuzz/$1_fuzz log=$folder/logs/$1.log
  local dictionary=$repository/tests/fuzz/dictionaries/$1.dict process status=0
  [ -f "$dictionary" ] || dictionary=''
  mkdir -p "$folder/found/$target"
  printf '%s  %s: %s s\n' "$(date +%T)" "$target" "$seconds"
  nice "$program" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
    ${dictionary:+-dict="$dictionary"} -artifact_prefix="$folder/finds/$target-" "$folder/found/$target" \
    "$repository/tests/fuzz/corpus/$target" > "$log" 2>&1 &
  process=$!
  trap 'kill "$process" 2> /dev/null || true' TERM
  wait "$process" || status=$?
  case $status in
    0)
      printf '%s  %s: %s executions, no findings\n' "$(date +%T)" "$target" \
        "$(awk '/stat::number_of_executed_units/ {print $2}' "$log")"
      ;;
    "$interrupted" | 14[0-9]) ;;
    *)
      printf '%s  %s: FINDING, log in %s\n  %s %s\n' "$(date +%T)" "$target" "$log" "$program" \
        "$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)"
      return 1
      ;;
  esac
}

stop() {
  trap '' INT TERM
  # shellcheck disable=SC2046  # a word for each job
  kill $(jobs -p) 2> /dev/null || true
  wait
  say "stopped; inputs collected so far are in $folder/found"
  exit 130
}

interrupted=72 # libFuzzer's exit status after a signal
trap stop INT TERM
failed=false
for target; do
  while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n || failed=true; done
  run_target "$target" &
done
while [ -n "$(jobs -rp)" ]; do wait -n || failed=true; done
for job in $(jobs -p); do wait "$job" || failed=true; done
if $failed; then die "findings are in $folder/finds"; fi
say "no findings; new inputs are in $folder/found"
