"""Prints a header as doxygen reads it: doxygen_filter.py HEADER, or --self-test

What the code says already is not written again in its comments, therefore this adds it: the help of a config field to its
member, and a sentence to what every such type has (fields, names, copies and moves). The comment at the top of a header
becomes the file's. Lines keep their numbers."""
import re
import sys

SENTENCES = (
    (r"\bauto fields\(\)", "Returns the fields: names, help and ranges, from which parsing and messages derive."),
    (r"\bnames_of\(\w+\)", "Returns the names of the values in files and on command lines."),
    (r"\bkForms\b", "Accepted texts, as messages name them."),
    (r"\bfrom_text\(std::string_view \w*\)", "Reads a text; throws Error with the accepted forms."),
    (r"\btext\(\) const", "Returns the text that from_text reads."),
    (r"^  \w+Section \w+;$", "Section of the config."),
    (r"\boperator==\(.*= default;", "Compares all members."),
    (r"^\s*\w+\([^)]*const at::TensorOptions& options\);", "Makes parameters without values."),
    (r"^\s*const WeightContract& product_weights\(\) const", "Returns the tensors that the product reads."),
    (r"^\s*(virtual )?~", "Ends the object."),
    (r"^\s*(?:\w+& operator=|\w+)\(\w+&& ?\w*\)", "Moves."),
    (r"^\s*(?:\w+& operator=|\w+)\(const \w+& ?\w*\) = ", "Copies."),
)
FIELD = re.compile(r'field\(\s*"(\w+)",\s*&(\w+)::(\w+),\s*((?:"(?:[^"\\]|\\.)*"\s*)+)')
MEMBER = re.compile(r"^  [\w:<>, ]+?[ >](\w+)(?: = [^;]*|\{[^;]*\})?;$")


def helps(text):
    """The help of each member, by (struct, member)."""
    result = {}
    selves = [(match.start(), match[1]) for match in re.finditer(r"using Self = (\w+);", text)]
    for match in FIELD.finditer(text):
        owner = match[2]
        if owner == "Self":
            owner = [name for start, name in selves if start < match.start()][-1]
        words = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', match[4])).replace('\\"', '"')
        if words:
            result[owner, match[3]] = words[0].upper() + words[1:] + "."
    return result


def escaped(words):
    """Help as doxygen's text: signs that it takes for commands or tags stay signs."""
    return re.sub(r"([<>@\\#%&])", r"\\\1", words)


def sentence_of(line, owner, known):
    member = MEMBER.match(line)
    if member and (owner, member[1]) in known:
        return escaped(known[owner, member[1]])
    return next((words for pattern, words in SENTENCES if re.search(pattern, line)), None)


def file_comment(text):
    """The comment at the top of a header, in one line."""
    lines = text.split("\n")
    top = next((index for index, line in enumerate(lines) if not line.startswith("///")), 0)
    return " ".join(line[3:].strip() for line in lines[:top])


def placed(line):
    """A line whose comment comes where doxygen looks for it: before a type, an alias or a declaration of several lines or
    members, else after it."""
    line = re.sub(r";\s*// NOLINT\(google-explicit-constructor\): ", ";  ///< Converts; ", line)
    code, mark, words = line.partition("  ///< ")
    code = code.rstrip()
    if not mark:
        return line
    if re.match(r"\s*[\w:]+ \w+, \w+;$", code):
        return f"/** {words} */ {line}"
    before = re.match(r"\s*(enum|struct|class|using) ", code) or not re.search(r";$|^\s*k\w+( = [^,]*)?,?$", code)
    return f"/** {words} */ {code}" if before else line


def filtered(text):
    known, owner, result, whole = helps(text), "", [], file_comment(text)
    for line in text.split("\n"):
        struct = re.match(r"(?:struct|class) (\w+)", line)
        owner = struct[1] if struct else owner
        previous = result[-1].strip() if result else ""
        documented = "//" in line or previous.startswith(("///", "template"))
        sentence = None if documented else sentence_of(line, owner, known)
        if struct and line.endswith("{") and not documented and whole:
            # The first type of a header that has no comment of its own is what the header is about.
            sentence, whole = whole, ""
        if line == "#pragma once" and previous.startswith("///"):
            line = "/// @file"
        result.append(placed(f"{line}  ///< {sentence}" if sentence else line))
    return "\n".join(result)


def self_test():
    header = """/// Sizes
/// of a part.
#pragma once
namespace n {
enum class Kind { kOne, kTwo };  ///< of a part
struct Config {
  int64_t width = 1;
  int64_t a, b;  ///< both
  double plain;  ///< as it stands
  bool documented() const { return true; }  ///< always

  static constexpr auto fields() {
    using Self = Config;
    return std::tuple{field("width", &Self::width, "patches @ 2 "
                            "scales", at_least(1))};
  }
  Config(Config&&) noexcept;
};
"""
    expected = {2: "/// @file", 4: "/** of a part */ enum class Kind { kOne, kTwo };", 5: "/** Sizes of a part. */ struct Config {",
                6: "  int64_t width = 1;  ///< Patches \\@ 2 scales.", 7: "/** both */   int64_t a, b;  ///< both",
                8: "  double plain;  ///< as it stands", 9: "/** always */   bool documented() const { return true; }",
                11: "/** Returns the fields: names, help and ranges, from which parsing and messages derive. */"
                    "   static constexpr auto fields() {",
                16: "  Config(Config&&) noexcept;  ///< Moves."}
    got = filtered(header).split("\n")
    wrong = [f"expected {line!r}, got {got[number]!r}" for number, line in expected.items() if got[number] != line]
    print("\n".join(wrong) or "doxygen_filter.py: adds what the code says")
    return 1 if wrong or len(got) != len(header.split("\n")) else 0


def main():
    if sys.argv[1] == "--self-test":
        return self_test()
    with open(sys.argv[1], encoding="utf-8") as header:
        sys.stdout.write(filtered(header.read()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
