#include "core/yaml.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"

namespace ccexpert {
namespace {

using test::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Rule {
  std::string pattern;
  double factor = 1.0;
  static constexpr auto fields() {
    return std::tuple{field("pattern", &Rule::pattern, ""), field("factor", &Rule::factor, "")};
  }
};

struct Inner {
  int64_t steps = 3;
  bool on = false;
  static constexpr auto fields() {
    return std::tuple{field("steps", &Inner::steps, ""), field("on", &Inner::on, "")};
  }
};

struct Outer {
  std::string name = "none";
  double rate = 0.1;
  Inner inner;
  std::vector<Rule> rules;
  static constexpr auto fields() {
    return std::tuple{field("name", &Outer::name, ""), field("rate", &Outer::rate, ""),
                      field("inner", &Outer::inner, ""), field("rules", &Outer::rules, "")};
  }
};

Outer read(const std::string& text, const std::vector<std::string>& overrides = {}) {
  auto document = parse_yaml(text, "run.yaml");
  for (const auto& assignment : overrides) override_yaml(document, assignment);
  Outer config;
  read_yaml(document.root, config, document.source);
  return config;
}

TEST(Yaml, ReadsSectionsListsAndLeavesDefaults) {
  const auto config =
      read("name: 7\ninner: {steps: 5}\nrules:\n  - {pattern: 'a.*', factor: 0.2}\n  - {pattern: b}\n");
  EXPECT_EQ(config.name, "7");
  EXPECT_EQ(config.rate, 0.1);
  EXPECT_EQ(config.inner.steps, 5);
  EXPECT_FALSE(config.inner.on);
  ASSERT_EQ(config.rules.size(), 2U);
  EXPECT_EQ(config.rules[0].pattern, "a.*");
  EXPECT_EQ(config.rules[0].factor, 0.2);
  EXPECT_EQ(config.rules[1].factor, 1.0);
}

TEST(Yaml, OverridesReachEverything) {
  const auto config = read("name: x\ninner:\n  steps: 5\n",
                           {"name=y", "inner.steps=9", "inner.on=true", "rate=1e-5", "rules=[{pattern: q}]"});
  EXPECT_EQ(config.name, "y");
  EXPECT_EQ(config.inner.steps, 9);
  EXPECT_TRUE(config.inner.on);
  EXPECT_EQ(config.rate, 1e-5);
  ASSERT_EQ(config.rules.size(), 1U);
  EXPECT_EQ(config.rules[0].pattern, "q");
}

struct Layers {
  std::vector<int64_t> numbers;
  static constexpr auto fields() {
    return std::tuple{field("numbers", &Layers::numbers, "", in_range(0, 27))};
  }
};

TEST(Yaml, EachElementOfAListIsWithinItsLimits) {
  Layers layers;
  read_yaml(parse_yaml("numbers: [0, 27]", "run.yaml").root, layers, "run.yaml");
  EXPECT_THAT(layers.numbers, ElementsAre(0, 27));
  EXPECT_EQ(error_of([&] { read_yaml(parse_yaml("numbers: [3, 28]", "run.yaml").root, layers, "run.yaml"); }),
            "run.yaml:1: numbers[1]: expected 0 to 27, got 28");
}

TEST(Yaml, WrittenIsReadAgain) {
  Outer config;
  config.name = "a \"quoted\": name";
  config.rate = 0.1 + 0.2;
  config.inner = {.steps = -4, .on = true};
  config.rules = {{"p*", 1.0 / 3.0}};
  const auto again = read(to_yaml(config));
  EXPECT_EQ(again.name, config.name);
  EXPECT_EQ(again.rate, config.rate);
  EXPECT_EQ(again.inner.steps, -4);
  EXPECT_TRUE(again.inner.on);
  EXPECT_EQ(again.rules[0].factor, 1.0 / 3.0);
}

TEST(Yaml, ErrorsNameFileLineAndKey) {
  EXPECT_EQ(error_of([] { read("name: x\ninner:\n  stepps: 5\n"); }),
            "run.yaml:3: inner.stepps: unknown key (did you mean steps?)");
  EXPECT_EQ(error_of([] { read("inner: {steps: many}\n"); }),
            "run.yaml:1: inner.steps: expected an integer, got 'many'");
  EXPECT_EQ(error_of([] { read("inner: {steps: 1.5}\n"); }),
            "run.yaml:1: inner.steps: expected an integer, got '1.5'");
  EXPECT_EQ(error_of([] { read("\nrate: [1]\n"); }), "run.yaml:2: rate: expected a number, got a list");
  EXPECT_EQ(error_of([] { read("inner: 3\n"); }), "run.yaml:1: inner: expected a section with keys, got '3'");
  EXPECT_EQ(error_of([] { read("rules: [{pattern: a}, {factor: b}]\n"); }),
            "run.yaml:1: rules[1].factor: expected a number, got 'b'");
  EXPECT_EQ(error_of([] { read("name: a\nname: b\n"); }), "run.yaml:2: name: is given twice");
  EXPECT_THAT(error_of([] { read("name: [a\n"); }), HasSubstr("is not valid YAML"));
  EXPECT_EQ(error_of([] { read(""); }), "run.yaml: expected YAML with keys, got nothing");
  EXPECT_EQ(error_of([] { read("name: x\n", {"inner.stps=3"}); }),
            "override inner.stps=3: unknown key (did you mean steps?)");
  EXPECT_EQ(error_of([] { read("name: x\ninner: {steps: 5}\n", {"inner.steps=many"}); }),
            "override inner.steps=many: expected an integer, got 'many'");
  EXPECT_EQ(error_of([] { read("name: x\n", {"iner.steps=3"}); }),
            "override iner.steps=3: iner: unknown key (did you mean inner?)");
  EXPECT_EQ(error_of([] { read("name: x\n", {"rules=[{pattern: a}, {factor: b}]"}); }),
            "override rules=[{pattern: a}, {factor: b}]: rules[1].factor: expected a number, got 'b'");
  EXPECT_EQ(error_of([] { read("name: x\n", {"name.a=3"}); }),
            "override name.a=3: expected a section 'name', got a single value");
  EXPECT_EQ(error_of([] { read("name: x\n", {"name"}); }),
            "override: expected section.key=value, got 'name'");
}

TEST(Yaml, SaysWhereAKeyStands) {
  auto document =
      parse_yaml("name: x\ninner:\n  steps: 5\nrules:\n  - pattern: a\n  - factor: 2\n", "run.yaml");
  override_yaml(document, "inner.on=true");
  EXPECT_EQ(yaml_place_of(document, "inner.steps"), "run.yaml:3: inner.steps");
  EXPECT_EQ(yaml_place_of(document, "inner"), "run.yaml:3: inner");
  EXPECT_EQ(yaml_place_of(document, "rules[1].factor"), "run.yaml:6: rules[1].factor");
  EXPECT_EQ(yaml_place_of(document, "inner.on"), "override inner.on=true");
  for (const std::string missing : {"rate", "inner.off", "rules[7].factor", "rules[0].factor", "name.x"})
    EXPECT_EQ(yaml_place_of(document, missing), "run.yaml: " + missing);
}

TEST(Yaml, AliasesStandForValuesOnce) {
  const auto config = read("inner: &i {steps: 7}\nrules: [{pattern: &p x}, {pattern: *p}]\n");
  EXPECT_EQ(config.rules[1].pattern, "x");
  EXPECT_EQ(error_of([] { parse_yaml("a: &a [*a]\n", "run.yaml"); }),
            "run.yaml:1: expected an alias of a finished value, got one inside its own value");
  EXPECT_THAT(error_of([] { parse_yaml("a: 1\nb: &b {c: [*b]}\n", "run.yaml"); }), HasSubstr("run.yaml:2: "));
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    bomb += fmt::format("a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n", i,
                        i - 1);
  }
  EXPECT_THAT(error_of([&] { parse_yaml(bomb, "run.yaml"); }),
              HasSubstr("expected at most 200000 values, got more"));
  std::string chain = "a0: &a0 [x]\n";
  for (int i = 1; i < 40; ++i) chain += fmt::format("a{0}: &a{0} [*a{1}]\n", i, i - 1);
  EXPECT_THAT(error_of([&] { parse_yaml(chain, "run.yaml"); }), HasSubstr("nested too deeply"));
  EXPECT_THAT(error_of([] { read("name: x\n", {"rules=&a [*a]"}); }),
              HasSubstr("override rules=&a [*a]:1: "));
}

TEST(Yaml, AnOverrideOfASharedValueIsAnError) {
  const std::string text = "name: &n x\ninner: &i {steps: 7}\nrules: [{pattern: *n}]\nother: *i\n";
  for (const std::string assignment : {"name=y", "inner.steps=8", "inner.on=true", "other.steps=8"}) {
    auto document = parse_yaml(text, "run.yaml");
    EXPECT_EQ(error_of([&] { override_yaml(document, assignment); }),
              "override " + assignment +
                  ": expected a value that is used once, got one that an alias shares (write it out in "
                  "run.yaml)");
  }
  auto document = parse_yaml(text, "run.yaml");
  override_yaml(document, "rules=[]");
  override_yaml(document, "new.key=1");
}

/// The parser makes the single bytes 85 and a0 of them.
TEST(Yaml, EscapesThatAreNoCharactersAreErrors) {
  for (const auto* text : {R"(name: "a\Nb")", R"(rules: [{pattern: "\_"}])", R"("\N": 1)"}) {
    EXPECT_EQ(error_of([&] { parse_yaml(text, "run.yaml"); }),
              "run.yaml:1: expected texts without the escapes \\N and \\_, got one of them (write \\u0085 or "
              "\\u00a0)");
  }
  EXPECT_EQ(read(R"(name: "\u0085\u00a0\L")").name, "\xc2\x85\xc2\xa0\xe2\x80\xa8");
}

TEST(Yaml, TextsAreBounded) {
  for (const size_t depth : {size_t{33}, size_t{100'000}}) {
    const auto deep = "a: " + std::string(depth, '[') + std::string(depth, ']');
    EXPECT_THAT(error_of([&] { parse_yaml(deep, "run.yaml"); }), HasSubstr("run.yaml:1: "));
  }
  EXPECT_THAT(error_of([] { parse_yaml(std::string(5 << 20, 'x'), "run.yaml"); }),
              HasSubstr("expected YAML of at most 4194304 bytes, got 5242880 bytes"));
  EXPECT_EQ(error_of([] { parse_yaml("a: 1\n---\nb: 2\n", "run.yaml"); }),
            "run.yaml:2: expected one YAML document, got a second one");
}

TEST(Yaml, KeysAreTextsThatStandOnce) {
  EXPECT_EQ(error_of([] { parse_yaml("a:\n  b: 1\n  c: {b: 1}\n  b: 2\n", "run.yaml"); }),
            "run.yaml:4: b: is given twice");
  for (const std::string text : {"[a]: 1\n", "? {a: 1}\n: 2\n", "a: &k x\n*k : 1\n"}) {
    EXPECT_THAT(error_of([&] { parse_yaml(text, "run.yaml"); }), HasSubstr("expected keys that are strings"))
        << text;
  }
}

TEST(Yaml, MayBeUtf16) {
  const std::string text(
      "\xff\xfe"
      "a\0:\0 \0"
      "1\0",
      10);
  EXPECT_EQ(parse_yaml(text, "run.yaml").root["a"].as<int>(), 1);
  EXPECT_THAT(error_of([] { parse_yaml("a: \xff", "run.yaml"); }),
              HasSubstr("run.yaml: line 1: expected UTF-8"));
}

}  // namespace
}  // namespace ccexpert
