#!/usr/bin/env python3
"""Writes the SBOM of a release as SPDX 2.3 in JSON: what the programs load, what they were built with, what is shipped.

sbom.py ROOT -o FILE [--binary PROGRAM...] [--artifact FILE...]

ROOT        checkout: VERSION, and the pins in third_party
--binary    programs and libraries of ours: the Debian packages whose libraries they load are listed, by dpkg and ldd
--artifact  files of the release, listed with their SHA-256

The same inputs on a machine with the same packages give the same bytes. SOURCE_DATE_EPOCH is the date of creation (default: 0).
"""
import argparse
import datetime
import hashlib
import json
import os
import re
import subprocess
import sys
import uuid
from pathlib import Path

DOCUMENTS = "https://spdx.org/spdxdocs"  # the namespace for documents without an address of their own
# Debian's lists use short names; these are SPDX's.
SPDX_LICENCES = {
    "GPL-2.0": "GPL-2.0-or-later",
    "GPL-3.0": "GPL-3.0-or-later",
    "GPL-3.0+exception": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "LGPL-2.1": "LGPL-2.1-or-later",
}
NVIDIA = "LicenseRef-NVIDIA"
EXTRACTED = [{
    "licenseId": NVIDIA,
    "name": "NVIDIA software licence",
    "extractedText": "The terms of NVIDIA's CUDA, cuDNN, NCCL or NVSHMEM, as the wheel has them in its dist-info folder.",
}]
WHEEL_LICENCES = {
    "torch": "BSD-3-Clause",
    "pycocoevalcap": "LGPL-2.1-only",  # METEOR, of whose wheel only data is used
    "nanobind": "BSD-3-Clause",
    "numpy": "BSD-3-Clause",
    "clang-tidy": "Apache-2.0 WITH LLVM-exception",
    "pytest": "MIT",
}
# List of pins, and the relationship of its packages to ccexpert.
WHEEL_LISTS = {
    "wheels-cpu.txt": ("DEPENDENCY_OF", "LibTorch, which the programs load"),
    "wheels-cuda.txt": ("OPTIONAL_DEPENDENCY_OF", "for programs on GPUs"),
    "wheels-meteor.txt": ("DEPENDENCY_OF", "METEOR's tables, which scoring reads"),
    "wheels-python.txt": ("BUILD_DEPENDENCY_OF", "for the Python packages and their tests"),
    "wheels-dev.txt": ("DEV_DEPENDENCY_OF", "for checks"),
    "wheels-docs.txt": ("DEV_DEPENDENCY_OF", "for the site of documents"),
    "wheels-serve.txt": ("DEV_DEPENDENCY_OF", "clients that check the server"),
}
APT_LISTS = {
    "apt-packages-caption.txt": "BUILD_DEPENDENCY_OF",
    "apt-packages.txt": "BUILD_DEPENDENCY_OF",
    "apt-packages-map.txt": "BUILD_DEPENDENCY_OF",
    "apt-packages-package.txt": "BUILD_DEPENDENCY_OF",
    "apt-packages-docs.txt": "DEV_DEPENDENCY_OF",
    "apt-packages-dev.txt": "DEV_DEPENDENCY_OF",
    "apt-packages-launchers.txt": "DEV_DEPENDENCY_OF",
}


def lines_of(file):
    """Lines of a list of pins without comments."""
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in file.read_text().splitlines())
    return [line for line in lines if line]


def expect_lists(pins):
    """Ends unless the lists of pins are those that this script knows."""
    there = {file.name for pattern in ("apt-packages*.txt", "wheels-*.txt") for file in pins.glob(pattern)}
    known = {*APT_LISTS, *WHEEL_LISTS}
    for names, text in ((known - there, "a list of pins, got none"), (there - known, "a list of pins that it knows")):
        if names:
            sys.exit(f"sbom.py: {pins / min(names)}: expected {text}")


def output_of(*command):
    """Standard output of a command, or nothing if it fails or is not there."""
    try:
        return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}).stdout
    except OSError:
        return ""


def identifier(*parts):
    return "SPDXRef-" + "-".join(re.sub(r"[^A-Za-z0-9.]+", "-", part).strip("-") for part in parts)


def package(kind, name, version, licence, **more):
    """A package of which no files are listed."""
    entry = {"SPDXID": identifier(kind, name), "name": name, "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
             "licenseConcluded": "NOASSERTION", "licenseDeclared": licence, "copyrightText": "NOASSERTION", **more}
    if version:
        entry["versionInfo"] = version
    return entry


def purl(locator):
    return [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": locator}]


class Document:
    def __init__(self, version):
        self.main = package("Package", "ccexpert", version, "Apache-2.0", primaryPackagePurpose="APPLICATION",
                            supplier="Organization: ccexpert", externalRefs=purl(f"pkg:generic/ccexpert@{version}"))
        self.packages = {self.main["SPDXID"]: self.main}
        self.relationships = [self.relation("SPDXRef-DOCUMENT", "DESCRIBES", self.main["SPDXID"])]

    @staticmethod
    def relation(one, kind, other, comment=None):
        entry = {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
        return {**entry, "comment": comment} if comment else entry

    def add(self, entry, kind, comment=None):
        """Adds a package, once, with its relationship to ccexpert."""
        self.packages.setdefault(entry["SPDXID"], entry)
        relation = self.relation(entry["SPDXID"], kind, self.main["SPDXID"], comment)
        if relation not in self.relationships:
            self.relationships.append(relation)

    def to_json(self, created):
        content = {"packages": [self.packages[key] for key in sorted(self.packages)],
                   "relationships": sorted(self.relationships, key=lambda entry: json.dumps(entry, sort_keys=True))}
        version = self.main["versionInfo"]
        digest = uuid.uuid5(uuid.NAMESPACE_URL, DOCUMENTS + json.dumps(content, sort_keys=True))
        return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
                "name": f"ccexpert-{version}", "documentNamespace": f"{DOCUMENTS}/ccexpert-{version}-{digest}",
                "creationInfo": {"created": created, "creators": [f"Tool: ccexpert-sbom-{version}"]},
                "hasExtractedLicensingInfos": EXTRACTED, **content}


def wheel(line):
    match = re.fullmatch(r"([\w.-]+)==(\S+)\s+--hash=sha256:([0-9a-f]{64})", line)
    if not match:
        sys.exit(f"sbom.py: expected NAME==VERSION --hash=sha256:HEX in a list of wheels, got {line}")
    name, version, digest = match.groups()
    licence = NVIDIA if name.startswith("nvidia-") else WHEEL_LICENCES.get(name, "NOASSERTION")
    return package("Wheel", name, version, licence, externalRefs=purl(f"pkg:pypi/{name.lower()}@{version}"),
                   downloadLocation=f"https://pypi.org/project/{name}/{version}/",
                   checksums=[{"algorithm": "SHA256", "checksumValue": digest}])


def add_wheels(document, pins):
    for name, (kind, comment) in WHEEL_LISTS.items():
        for line in lines_of(pins / name):
            document.add(wheel(line), kind, comment)


class Debian:
    """Packages as dpkg knows them; a package that is not installed has no version."""

    def __init__(self):
        self.licences = {}  # by source package
        shown = "${binary:Package}\t${Version}\t${Architecture}\t${source:Package}\n"
        rows = [line.split("\t") for line in output_of("dpkg-query", "-W", "-f", shown).splitlines()]
        self.known = {row[0].split(":")[0]: row[1:] for row in rows if len(row) == 4}
        release = Path("/etc/os-release").read_text() if Path("/etc/os-release").exists() else ""
        match = re.search(r'^ID="?(\w+)', release, re.MULTILINE)
        self.vendor = match[1] if match else "debian"

    def entry(self, name, licence=None):
        version, architecture, source = self.known.get(name, ("", "", ""))
        if licence and source:
            self.licences[source] = licence
        declared = licence or self.licences.get(source, "NOASSERTION")
        query = f"?arch={architecture}" if architecture else ""
        locator = f"pkg:deb/{self.vendor}/{name}" + (f"@{version}" if version else "") + query
        return package("Debian", name, version, declared, externalRefs=purl(locator.replace("+", "%2B")))


def add_build_packages(document, debian, pins):
    for name, kind in APT_LISTS.items():
        for line in lines_of(pins / name):
            package_name, licence = line.split()[:2]
            document.add(debian.entry(package_name, SPDX_LICENCES.get(licence, licence)), kind)


def loaded_libraries(binaries):
    """Returns (all libraries that binaries load, the names that they ask for themselves)."""
    files, direct = set(), set()
    for binary in binaries:
        files.update(re.findall(r"=> (/\S+)", output_of("ldd", binary)))
        direct.update(re.findall(r"NEEDED\s+(\S+)", output_of("objdump", "-p", binary)))
    return files, direct


def owners_of(libraries):
    """The Debian package of each library that has one."""
    names = {}  # a path that dpkg may know, and the library
    for library in libraries:
        for name in (library, os.path.realpath(library)):
            names.update({name: library, re.sub(r"^(/usr)?/lib/", "/usr/lib/", name): library,
                          re.sub(r"^(/usr)?/lib/", "/lib/", name): library})
    found = re.findall(r"^([^:,\s]+)(?::\w+)?: (/.*)$", output_of("dpkg", "-S", *sorted(names)), re.MULTILINE)
    return {names[path]: name for name, path in found}


def add_libraries(document, debian, binaries):
    files, direct = loaded_libraries(binaries)
    asked = {}  # True for a package that our binaries ask for themselves
    for file, name in owners_of(files).items():
        asked[name] = asked.get(name, False) or Path(file).name in direct
    for name, is_direct in asked.items():
        entry = debian.entry(name)
        document.packages.setdefault(entry["SPDXID"], entry)
        kind = "DYNAMIC_LINK" if is_direct else "DEPENDS_ON"
        document.relationships.append(document.relation(document.main["SPDXID"], kind, entry["SPDXID"]))


def licence_of_file(name):
    """Packages and wheels bring libraries of others, with their licences in the file; the source is ours alone."""
    return "Apache-2.0" if "source" in name else "NOASSERTION"


def add_artifacts(document, artifacts):
    for file in sorted(artifacts, key=lambda path: path.name):
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        purpose = "SOURCE" if "source" in file.name else "INSTALL"
        entry = package("File", file.name, document.main["versionInfo"], licence_of_file(file.name), packageFileName=file.name,
                        primaryPackagePurpose=purpose, checksums=[{"algorithm": "SHA256", "checksumValue": digest}])
        document.add(entry, "VARIANT_OF", "a file of this release")


def creation_date():
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    return datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--binary", type=Path, nargs="*", default=[])
    parser.add_argument("--artifact", type=Path, nargs="*", default=[])
    arguments = parser.parse_args()
    for file in [*arguments.binary, *arguments.artifact]:
        if not file.is_file():
            sys.exit(f"sbom.py: {file}: expected a file, got none")
    pins = arguments.root / "third_party"
    expect_lists(pins)
    document, debian = Document((arguments.root / "VERSION").read_text().strip()), Debian()
    add_build_packages(document, debian, pins)
    add_wheels(document, pins)
    add_libraries(document, debian, arguments.binary)
    add_artifacts(document, arguments.artifact)
    arguments.output.write_text(json.dumps(document.to_json(creation_date()), indent=1, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
