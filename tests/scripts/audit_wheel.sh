#!/usr/bin/env bash
# scripts/audit_wheel.py with reports of auditwheel: audit_wheel.sh SOURCE
set -euo pipefail
source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$*"; cat "$work/log"; exit 1; }

# report OVERALL SYMBOLS LIBRARIES [UPGRADES]: what auditwheel says of a wheel.
report() {
  printf '{"version": 1, "wheel": "small.whl", "pure": false, "overall_tag": "%s", "sym_tag": "%s", "pyfpe": false, "ucs2": false,
    "unsupported_isa": %s, "versioned_symbols": {}, "external_libs": %s, "policy_upgrades": %s}' \
    "$1" "$2" "${isa:-false}" "$3" "${4:-{\}}"
}
audit() { "$source/scripts/audit_wheel.py" "$@" > "$work/log" 2>&1; }
# refused SENTENCE [LIBRARY...]: reads a report.
refused() {
  ! audit "${@:2}" || fail "expected to be refused: $1"
  grep -qF "error: small.whl: $1" "$work/log" || fail "expected the sentence: $1"
}

tag=manylinux_2_35_x86_64
report $tag $tag '{}' | audit || fail "expected a wheel of manylinux to pass"
grep -q "small.whl: $tag; libraries of other wheels: none" "$work/log" || fail "expected its tag"
report linux_x86_64 $tag '{"libc10.so": null}' | audit libc10.so libtorch_cpu.so || fail "expected libc10 to pass"
grep -q "$tag; libraries of other wheels: libc10.so" "$work/log" || fail "expected the library"
report linux_x86_64 $tag '{"libc10.so": null, "libgomp.so.1": "/usr/lib/libgomp.so.1"}' |
  refused "expected no library but libc10.so, got libgomp.so.1" libc10.so
report linux_x86_64 $tag '{"libgomp.so.1": null}' | refused "expected no library but those of the tag, got libgomp.so.1"
report linux_x86_64 linux_x86_64 '{}' | refused "expected symbols of a manylinux tag, got those of linux_x86_64"
report linux_x86_64 $tag '{}' | refused "expected a manylinux tag, got linux_x86_64"
report linux_x86_64 $tag '{"libc10.so": null}' "{\"$tag\": {\"blacklisted_symbols\": {\"libz.so.1\": [\"z_errmsg\"]}}}" |
  refused "expected no symbol that $tag forbids, got {'libz.so.1': ['z_errmsg']}" libc10.so
isa=true
report linux_x86_64 $tag '{"libc10.so": null}' | refused "expected none of unsupported_isa, got it" libc10.so
