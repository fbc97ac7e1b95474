#!/usr/bin/env python3
"""Puts the licences of code of others into a wheel: of bundled libraries, and of headers that were compiled into it.

wheel_licences.py WHEEL BUILD

WHEEL  a wheel after auditwheel, which is written anew
BUILD  the folder where Ninja built its module

Libraries and headers are those of Debian's packages, or headers of Python packages. Each has its licence in the folder
licenses/third-party of the wheel's metadata; texts that Debian keeps once for all packages are in common-licenses there.
The same wheel gives the same bytes.
"""
import base64
import functools
import hashlib
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

from sbom import Debian, owners_of

COMMON = Path("/usr/share/common-licenses")
# Compiler, C library and interpreter: their licences except what programs take of headers, or the wheel runs in them.
OF_EVERY_PROGRAM = re.compile(r"gcc-\d+|glibc|linux|libxcrypt|python3\.\d+")
# The wheel depends on this package, which brings its own licence.
OF_DEPENDENCIES = {"torch", "numpy"}


def die(text):
    sys.exit(f"wheel_licences.py: {text}")


def bundled_libraries(names):
    """Files of Debian that auditwheel copied under names with eight digits of their hash."""
    folder = Path("/usr/lib") / (sysconfig.get_config_var("MULTIARCH") or "")
    # Those with alternatives, such as libblas, are in folders of their own.
    files = {file.name: file for file in sorted(folder.rglob("*.so*"), key=lambda file: len(file.parts), reverse=True)}
    found = (re.fullmatch(r"[^/]+\.libs/(.+?)-[0-9a-f]{8}(\.so.*)", name) for name in names)
    wanted = [match[1] + match[2] for match in found if match]
    return [str(files.get(name, folder / name)) for name in wanted]


def compiled_headers(build):
    """Files that the objects of a build were made of."""
    result = subprocess.run(["ninja", "-C", build, "-t", "deps"], capture_output=True, text=True)
    if result.returncode != 0:
        die(f"{build}: expected a build of Ninja, got: {(result.stderr or result.stdout).strip()}")
    files = {line.strip() for line in result.stdout.splitlines() if line.startswith("    ")}
    return sorted({os.path.normpath(Path(build).resolve() / file) for file in files})


def licences_of_debian(libraries, headers):
    """Licences by source package; a library that no package owns is an error."""
    system = [file for file in headers if file.startswith("/usr/")]
    debian, owners, result = Debian(), owners_of([*libraries, *system]), {}
    for file in libraries:
        if file not in owners:
            die(f"{Path(file).name}: expected a library of a package of Debian")
    for file, package in owners.items():
        source = debian.known[package][2]
        if file not in libraries and OF_EVERY_PROGRAM.fullmatch(source):
            continue
        licence = Path("/usr/share/doc") / package / "copyright"
        result[f"{source}/copyright"] = licence.read_bytes()
    return result


def first_comment(header):
    return header.read_bytes().split(b"*/")[0] + b"*/\n"


def licences_of_python(headers):
    """Licences by Python package, and of the libraries that it has in a folder ext without a licence of their own."""
    result = {}
    for file in headers:
        package = package_folder(os.path.dirname(file))
        if not package or package.name in OF_DEPENDENCIES:
            continue
        for licence in package.parent.glob(f"{package.name}-*.dist-info/licenses/*"):
            result[f"{package.name}/{licence.name}"] = licence.read_bytes()
        inside = Path(file).relative_to(package).parts
        if inside[0] == "ext":
            result.setdefault(f"{inside[1]}/LICENSE", first_comment(Path(file)))
    return result


@functools.lru_cache(maxsize=None)
def package_folder(folder):
    """The folder of the Python package that a folder belongs to, which is beside its metadata; or nothing."""
    folder = Path(folder)
    if any(folder.parent.glob(f"{folder.name}-*.dist-info")):
        return folder
    return package_folder(str(folder.parent)) if folder.parent != folder else None


def with_common_texts(licences):
    """Adds the texts that the licences name."""
    named = {name for text in licences.values() for name in re.findall(rb"/common-licenses/([A-Za-z]+0?(?:-[\d.]*\d)?)", text)}
    texts = {f"common-licenses/{name.decode()}": COMMON / name.decode() for name in named}
    return {**licences, **{name: file.read_bytes() for name, file in texts.items() if file.is_file()}}


def record_line(name, content):
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(content)}\n"


def with_licence_files(metadata, names):
    """METADATA with its new fields before the description."""
    head, blank, description = metadata.partition(b"\n\n")
    fields = "".join(f"\nLicense-File: {name}" for name in names).encode()
    return head + fields + blank + description


def rewrite(wheel, licences):
    """Writes the wheel with the licences, at the place and with the time of its record."""
    with zipfile.ZipFile(wheel) as archive:
        entries = {info.filename: (info, archive.read(info)) for info in archive.infolist()}
    (record,) = (name for name in entries if name.endswith(".dist-info/RECORD"))
    folder = record.rpartition("/")[0]
    names = [f"third-party/{name}" for name in sorted(licences)]
    info, metadata = entries[f"{folder}/METADATA"]
    entries[f"{folder}/METADATA"] = (info, with_licence_files(metadata, names))
    info, _ = entries.pop(record)
    for name in names:
        added = zipfile.ZipInfo(f"{folder}/licenses/{name}", info.date_time)
        added.external_attr, added.compress_type = info.external_attr, info.compress_type
        entries[added.filename] = (added, licences[name.partition("/")[2]])
    lines = [record_line(name, content) for name, (_, content) in entries.items() if not name.endswith("/")]
    entries[record] = (info, "".join([*lines, f"{record},,\n"]).encode())
    new = wheel.with_name(wheel.name + ".new")
    with zipfile.ZipFile(new, "w") as archive:
        for info, content in entries.values():
            archive.writestr(info, content)
    os.replace(new, wheel)


def main(arguments):
    if len(arguments) != 2:
        sys.exit(__doc__)
    wheel = Path(arguments[0])
    with zipfile.ZipFile(wheel) as archive:
        libraries = bundled_libraries(archive.namelist())
    headers = compiled_headers(arguments[1])
    licences = with_common_texts({**licences_of_debian(libraries, headers), **licences_of_python(headers)})
    rewrite(wheel, licences)
    print(f"{wheel.name}: licences of {', '.join(sorted({name.partition('/')[0] for name in licences}))}")


if __name__ == "__main__":
    main(sys.argv[1:])
