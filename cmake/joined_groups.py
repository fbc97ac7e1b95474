#!/usr/bin/env python3
"""Prints groups of sources that can be one translation unit, each as FILE|FILE|...: joined_groups.py SIZE FILE...

In joined sources, a name of an unnamed namespace may be in one of them only, and hides functions of outer namespaces from
the others. Therefore no two sources of a group declare such a name, or call what another one declares. Equal aliases may
be repeated. Sources of no group are compiled alone, also those with a constant that a header has.
"""
import re
import sys
from pathlib import Path

UNNAMED = re.compile(r"^namespace \{\n(.*?)^\}  // namespace\n", re.MULTILINE | re.DOTALL)
# A declaration begins in the first column; its name is the word before its parameters, its value or its body.
DECLARATION = re.compile(r"^(?![ }/#)\]])[^\n]*?\b(\w+)(?:\(| = |\[|\{|;| \{| : | final| final \{)", re.MULTILINE)
CALL = re.compile(r"(?<![\w.:>])(\w+)\(")
ALIAS = re.compile(r"^(?:namespace \w+ = |using )[^\n]*;$", re.MULTILINE)
# Macros and names of a whole namespace reach the sources after them.
FAR = re.compile(r"^#define |^using namespace |^#pragma GCC|^#undef ", re.MULTILINE)


class Source:
    """The names that a source declares in its unnamed namespaces, its aliases with their meaning, and its calls."""

    def __init__(self, text):
        blocks = UNNAMED.findall(text)
        self.aliases = {re.split(r"[ ;]", alias)[1]: alias for block in blocks for alias in ALIAS.findall(block)}
        self.names = {name for block in blocks for name in DECLARATION.findall(ALIAS.sub("", block))}
        self.names -= {"template", "requires", "operator"}
        self.calls = set(CALL.findall(text)) - self.names
        self.is_far = FAR.search(text) is not None

    def clashes(self, other):
        return bool(
            self.names & (other.names | other.calls | other.aliases.keys())
            or other.names & (self.calls | self.aliases.keys())
            or any(other.aliases.get(name, alias) != alias for name, alias in self.aliases.items())
        )


def header_names(root):
    """Returns the constants that headers declare in namespaces; an equal one of an unnamed namespace is ambiguous."""
    texts = [file.read_text() for folder in ("src", "include") for file in (root / folder).rglob("*.h")]
    return {name for text in texts for name in DECLARATION.findall(text) if re.match("k[A-Z]", name)}


def groups(texts, size, taken=frozenset()):
    """Returns lists of at most `size` keys of `texts`, file to text; each source goes to the first group it fits. Sources
    that declare a name of `taken` go to none."""
    sources = {file: Source(text) for file, text in texts.items()}
    result = []
    for file, source in sources.items():
        if source.is_far or source.names & taken:
            continue
        fitting = (group for group in result
                   if len(group) < size and not any(source.clashes(sources[other]) for other in group))
        group = next(fitting, None)
        if group is None:
            result.append([file])
        else:
            group.append(file)
    return [group for group in result if len(group) > 1]


def main():
    files = [Path(name) for name in sys.argv[2:]]
    taken = header_names(Path(__file__).resolve().parent.parent)
    for group in groups({str(file): file.read_text() for file in files}, int(sys.argv[1]), taken):
        print("|".join(group))


if __name__ == "__main__":
    main()
