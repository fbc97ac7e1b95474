#!/usr/bin/env bash
# scripts/release.sh in a small repository: the files of a release, twice the same bytes, an SBOM that is SPDX 2.3:
# release.sh SOURCE
set -euo pipefail
source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$*"; cat "$work/log"; exit 1; }

mkdir -p "$work/tree/scripts"
cp "$source"/scripts/{release.sh,common.sh,sbom.py} "$work/tree/scripts"
cp -r "$source/third_party" "$source/VERSION" "$work/tree"
printf '# Changelog\n\n## Unreleased\n\n- new\n\n## 0.0.1\n\n- old\n' > "$work/tree/CHANGELOG.md"
git=(git -C "$work/tree" -c user.name=test -c user.email=test@example.org)
"${git[@]}" init -q
"${git[@]}" add .
"${git[@]}" commit -q -m start --date=2026-01-02T03:04:05Z
version=$(cat "$source/VERSION")
release() { "$work/tree/scripts/release.sh" --output "$work/out" "$@" > "$work/log" 2>&1; }

release --twice source || fail "expected a release"
grep -q "the same bytes twice" "$work/log" || fail "expected a comparison"
(cd "$work/out" && sha256sum --check --quiet SHA256SUMS) || fail "expected checksums that are right"
expected="SHA256SUMS ccexpert-$version-notes.md ccexpert-$version-source.tar.gz ccexpert-$version.spdx.json"
[ "$(ls "$work/out" | LC_ALL=C sort | xargs)" = "$expected" ] || fail "expected $expected, got $(ls "$work/out")"
grep -q new "$work/out/ccexpert-$version-notes.md" || fail "expected the notes of what is not released"
! grep -q old "$work/out/ccexpert-$version-notes.md" || fail "expected no notes of other versions"
tar -tzf "$work/out/ccexpert-$version-source.tar.gz" > "$work/names"
grep -q "^ccexpert-$version/VERSION$" "$work/names" || fail "expected the tree"

# What differs between two builds is told.
! release source || fail "expected a full folder to be refused"
grep -q "expected a new or empty folder, got files" "$work/log" || fail "expected one sentence"
"${git[@]}" tag v9.9.9
rm -rf "$work/out"
! release source || fail "expected a tag of another version to be refused"
grep -q "VERSION: expected that of the tag v9.9.9, got $version" "$work/log" || fail "expected one sentence"
"${git[@]}" tag -d v9.9.9 > /dev/null
release source || fail "expected a release"

# sbom: what it writes for this tree, with a file of packages.
touch "$work/ccexpert_1_amd64.deb"
sbom() { python3 "$work/tree/scripts/sbom.py" "$work/tree" -o "$work/sbom.json" --artifact "$work"/*.deb > "$work/log" 2>&1; }
sbom || fail "expected an SBOM"
python3 -c 'import json, sys
(file,) = (entry for entry in json.load(open(sys.argv[1]))["packages"] if entry["name"].endswith(".deb"))
sys.exit(file["licenseDeclared"] != "NOASSERTION")' "$work/sbom.json" || fail "expected no single licence for files with libraries of others"
touch "$work/tree/third_party/apt-packages-new.txt"
! sbom || fail "expected a list that is not known to be refused"
grep -q "apt-packages-new.txt: expected a list of pins that it knows" "$work/log" || fail "expected one sentence"
rm "$work/tree/third_party/apt-packages-new.txt" "$work/tree/third_party/wheels-dev.txt"
! sbom || fail "expected a list that is missing to be refused"
grep -q "wheels-dev.txt: expected a list of pins, got none" "$work/log" || fail "expected one sentence"

python3 - "$work/out" "$version" << 'PYTHON' || fail "expected an SBOM of what was built and shipped"
import hashlib, json, pathlib, sys
folder, version = pathlib.Path(sys.argv[1]), sys.argv[2]
file = folder / f"ccexpert-{version}.spdx.json"
sbom = json.loads(file.read_text())
assert sbom["spdxVersion"] == "SPDX-2.3" and sbom["documentNamespace"].startswith("https://"), sbom["documentNamespace"]
packages = {entry["SPDXID"]: entry for entry in sbom["packages"]}
assert len(packages) == len(sbom["packages"])
torch = packages["SPDXRef-Wheel-torch"]
assert torch["versionInfo"] == "2.11.0" and torch["licenseDeclared"] == "BSD-3-Clause", torch
assert torch["externalRefs"][0]["referenceLocator"] == "pkg:pypi/torch@2.11.0", torch
assert len(torch["checksums"][0]["checksumValue"]) == 64, torch
source = packages[f"SPDXRef-File-ccexpert-{version}-source.tar.gz"]
digest = hashlib.sha256((folder / source["packageFileName"]).read_bytes()).hexdigest()
assert source["checksums"] == [{"algorithm": "SHA256", "checksumValue": digest}], source
for relation in sbom["relationships"]:
    for end in (relation["spdxElementId"], relation["relatedSpdxElement"]):
        assert end in packages or end == "SPDXRef-DOCUMENT", end
related = {relation["spdxElementId"] for relation in sbom["relationships"]}
assert set(packages) - related <= {f"SPDXRef-Package-ccexpert"}, set(packages) - related
try:
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
except ImportError:
    print("not validated: Python has no spdx-tools")
else:
    messages = [message.validation_message for message in validate_full_spdx_document(parse_file(str(file)))]
    assert not messages, messages
PYTHON
