// YAML: a document, its overrides, and the written config, which must read back the same.
#include "core/yaml.h"
#include "fuzz/target.h"

namespace ccexpert::fuzz {
namespace {

/// One field of each kind that configs have.
struct Inner {
  std::string text;
  std::vector<int64_t> numbers;

  bool operator==(const Inner&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("text", &Inner::text, ""), field("numbers", &Inner::numbers, "")};
  }
};

struct Outer {
  bool flag = false;
  std::optional<int64_t> count;
  std::vector<std::string> texts;
  Inner inner;
  std::vector<Inner> list;

  bool operator==(const Outer&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("flag", &Outer::flag, ""), field("count", &Outer::count, ""),
                      field("texts", &Outer::texts, ""), field("inner", &Outer::inner, ""),
                      field("list", &Outer::list, "")};
  }
};

void read_config(const YamlDocument& document) {
  Outer config, again;
  if (!reads([&] { read_yaml(document.root, config, document.source); })) return;
  const auto text = to_yaml(config);
  expect(reads([&] { read_yaml(parse_yaml(text, "again").root, again, "again"); }),
         "what is written is read");
  expect(config == again, "a config that is written reads as it was");
}

}  // namespace
}  // namespace ccexpert::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ccexpert;
  const auto parts = fuzz::parts_of(fuzz::text_of(data, size), 3);
  YamlDocument document;
  if (!fuzz::reads([&] { document = parse_yaml(std::string(parts[0]), "x.yaml"); })) return 0;
  fuzz::read_config(document);
  for (size_t i = 1; i < parts.size(); ++i) {
    if (!fuzz::reads([&] { override_yaml(document, std::string(parts[i])); })) return 0;
  }
  fuzz::read_config(document);
  return 0;
}
