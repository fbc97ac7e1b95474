#!/usr/bin/env python3
"""Checks what `auditwheel show --json` says of a wheel: audit_wheel.py [LIBRARY...] < JSON

LIBRARY  a library that a package brings which the wheel depends on

The wheel must fit a tag of manylinux and load no library beside these and those that every system with the tag has.
auditwheel itself calls a wheel that loads a library of another wheel a linux_x86_64 one, with any number of them.
"""
import json
import sys


def faults_of(report, allowed):
    """What keeps the wheel from its tag, one sentence each."""
    if "error" in report:
        return [f"expected a wheel with modules, got: {report['error']}"]
    faults = []
    if not report["sym_tag"].startswith("manylinux"):
        faults.append(f"expected symbols of a manylinux tag, got those of {report['sym_tag']}")
    unexpected = sorted(set(report["external_libs"]) - set(allowed))
    if unexpected:
        faults.append(f"expected no library but {' '.join(allowed) or 'those of the tag'}, got {' '.join(unexpected)}")
    if not report["external_libs"] and not report["overall_tag"].startswith("manylinux"):
        faults.append(f"expected a manylinux tag, got {report['overall_tag']}")
    faults += [f"expected none of {name}, got it" for name in ("pyfpe", "ucs2", "unsupported_isa") if report[name]]
    for tag, upgrade in report["policy_upgrades"].items():
        if tag == report["sym_tag"] and "blacklisted_symbols" in upgrade:
            faults.append(f"expected no symbol that {tag} forbids, got {upgrade['blacklisted_symbols']}")
    return faults


def main():
    allowed, report = sys.argv[1:], json.load(sys.stdin)
    faults = faults_of(report, allowed)
    if faults:
        sys.exit("\n".join(f"error: {report['wheel']}: {fault}" for fault in faults))
    loaded = " ".join(sorted(report["external_libs"])) or "none"
    print(f"   {report['wheel']}: {report['sym_tag']}; libraries of other wheels: {loaded}")


if __name__ == "__main__":
    main()
