#!/usr/bin/env bash
# Checks that scripts/check.sh begins, sources that its tidy checks, and findings that it accepts: check_tidy.sh SOURCE.
# Runs in a temporary repository, with fake clang-tidy and CMake.
set -euo pipefail
source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset CCEXPERT_TIDY_BASE
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null PATH=$work/bin:$PATH XDG_CACHE_HOME=$work/cache
mkdir -p "$work/bin" "$work/tree/scripts" "$work/tree/build/tidy"
cp "$source/scripts/check.sh" "$source/scripts/common.sh" "$work/tree/scripts"
touch "$work/tree/build/tidy/compile_commands.json"
# The path where setup.sh --dev installs it.
clang_tidy=$(source "$source/scripts/common.sh" && echo "$clang_tidy")
mkdir -p "$(dirname "$clang_tidy")"
cat > "$clang_tidy" <<'SCRIPT'
#!/usr/bin/env bash
echo "12345 warnings generated." >&2
echo "[1/1] Processing file src/some/some.cpp." >&2
for file in "$@"; do
  case $file in *.cpp) echo "looked at $file" ;; esac
  if [ "$file" = src/bad/bad.cpp ]; then echo "src/bad/bad.cpp:1:1: error: a finding" && result=1; fi
done
exit "${result:-0}"
SCRIPT
printf '#!/bin/sh\n' > "$work/bin/cmake"
chmod +x "$work"/bin/* "$clang_tidy"
cd "$work/tree"
git init -q -b main

# commit HOURS ROOM: changes src/ROOM/ROOM.cpp at that hour.
commit() {
  mkdir -p "src/$2"
  echo "// $1" >> "src/$2/$2.cpp"
  git add src
  GIT_COMMITTER_DATE="@$((1704067200 + $1 * 3600)) +0000" \
    git -c user.name=test -c user.email=test@example.com commit -q -m "$2"
}
# expect RESULT TEXT: checks the exit status, and the checked rooms or the message.
expect() {
  local result=0 output rooms
  output=$(scripts/check.sh tidy 2>&1) || result=$?
  rooms=$(sed -n 's#looked at src/\([a-z]*\)/.*#\1#p' <<< "$output" | sort | xargs)
  [[ "$output" != *"warnings generated"* && "$output" != *Processing* ]] ||
    { echo "expected neither counts of warnings nor progress in: $output"; exit 1; }
  [ $((result > 0)) = "$1" ] && [ "${rooms:-$output}" = "$2" ] ||
    { echo "expected $1 and '$2', got $result and: $output"; exit 1; }
}

commit 0 first
commit 1 second
expect 0 "first second"
commit 27 other
commit 30 third
commit 31 fourth
expect 0 "fourth third"
git update-ref refs/remotes/origin/main HEAD
expect 0 "fourth third"
commit 32 fifth
commit 33 sixth
expect 0 "fifth sixth"
CCEXPERT_TIDY_BASE=HEAD~1 expect 0 "sixth"
CCEXPERT_TIDY_BASE=nothing expect 1 "$(printf '%s\n' "== clang-tidy on changed sources" \
  "error: CCEXPERT_TIDY_BASE: expected a commit, got nothing")"
# A header is checked through the sources of its room that include it, or through one of another room.
mkdir -p include/ccexpert/fifth src/lone
touch include/ccexpert/fifth/fifth.h src/lone/lone.h
echo '#include <ccexpert/fifth/fifth.h>' | tee -a src/fifth/fifth.cpp >> src/sixth/sixth.cpp
echo '#include "lone/lone.h"' | tee -a src/first/first.cpp >> src/second/second.cpp
git add include
commit 34 third
echo "int changed();" | tee -a include/ccexpert/fifth/fifth.h >> src/lone/lone.h
git add include
commit 35 fourth
CCEXPERT_TIDY_BASE=HEAD~1 expect 0 "fifth first fourth"
# A comment changes no code.
echo "// a comment" >> include/ccexpert/fifth/fifth.h
git add include
commit 35 fourth
CCEXPERT_TIDY_BASE=HEAD~1 expect 0 "fourth"
# A header that only headers include is checked through all sources of its room.
echo '#include <ccexpert/fifth/inner.h>' >> include/ccexpert/fifth/fifth.h
touch include/ccexpert/fifth/inner.h src/fifth/other.cpp
git add include
commit 35 fourth
echo "int inner();" >> include/ccexpert/fifth/inner.h
git add include
commit 35 fourth
CCEXPERT_TIDY_BASE=HEAD~1 expect 0 "fifth fifth fourth"
git rm -q src/fourth/fourth.cpp src/lone/lone.h
commit 36 third
CCEXPERT_TIDY_BASE=HEAD~1 expect 0 "third"
[ "$(scripts/check.sh --minutes 0 tidy fuzz)" = "== left out, as 0 minutes are over: tidy fuzz" ] ||
  { echo "expected checks to be left out"; exit 1; }
! message=$(scripts/check.sh --minutes soon 2>&1) && [ "$message" = "error: --minutes: expected a whole number, got soon" ] ||
  { echo "expected a message, got $message"; exit 1; }
commit 37 bad
expect 1 "bad fifth fifth first second sixth third"
[[ "$(scripts/check.sh tidy 2>&1)" = *"bad.cpp:1:1: error: a finding"* ]] || { echo "expected the finding to be shown"; exit 1; }
