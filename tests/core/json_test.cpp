#include "core/json.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"

namespace ccexpert {
namespace {

using nlohmann::json;
using test::error_of;
using ::testing::HasSubstr;

std::string problem(std::string_view text, const JsonLimits& limits = {}) {
  return error_of([&] { parse_json(text, "a.json", limits); });
}

std::string nested(size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

/// Counts its events.
class Counter : public nlohmann::json_sax<json> {
 public:
  bool null() override { return add(); }
  bool boolean(bool) override { return add(); }
  bool number_integer(number_integer_t) override { return add(); }
  bool number_unsigned(number_unsigned_t) override { return add(); }
  bool number_float(number_float_t, const string_t&) override { return add(); }
  bool string(string_t&) override { return add(); }
  bool binary(binary_t&) override { return add(); }
  bool start_object(size_t) override { return add(); }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(size_t) override { return add(); }
  bool end_array() override { return true; }
  bool parse_error(size_t, const std::string&, const json::exception&) override { return false; }

  int count = 0;

 private:
  bool add() { return ++count > 0; }
};

std::string stream_problem(const std::string& text) {
  std::istringstream stream(text);
  Counter counter;
  return error_of([&] { parse_json_events(stream, counter, "a.json"); });
}

TEST(Json, ParsesWhatTheLibraryParses) {
  for (const std::string text :
       {R"({"b":[1,-2,3.5,1e3,"x",null,true,{}],"a":{"c":[[],[[]]]}})", "[]", "{}", "3", "\"x\"", " null ",
        R"({"":"","\u00e9":"\ud83c\udfe0"})", "[18446744073709551615,-9223372036854775808,0.1]"}) {
    EXPECT_EQ(parse_json(text, "a.json"), json::parse(text)) << text;
    EXPECT_EQ(parse_ordered_json(text, "a.json").dump(), nlohmann::ordered_json::parse(text).dump()) << text;
  }
}

TEST(Json, DepthIsBounded) {
  EXPECT_EQ(problem(nested(64)), "no error");
  EXPECT_EQ(problem(nested(65)), "a.json: expected JSON, got values nested too deeply (at most 64 levels)");
  EXPECT_THAT(problem(nested(1'000'000)), HasSubstr("nested too deeply"));
  EXPECT_THAT(problem(R"({"a":{"b":{}}})", {.depth = 2}), HasSubstr("nested too deeply"));
  EXPECT_THAT(stream_problem(nested(1'000'000)), HasSubstr("nested too deeply"));
  EXPECT_THAT(error_of([] { parse_ordered_json(nested(65), "a.json"); }), HasSubstr("nested too deeply"));
  EXPECT_EQ(try_parse_json(nested(65)), std::nullopt);
}

TEST(Json, NumberOfValuesIsBounded) {
  EXPECT_EQ(problem("[1,2,3]", {.values = 4}), "no error");
  EXPECT_EQ(problem("[1,2,3,4]", {.values = 4}), "a.json: expected JSON of at most 4 values, got more");
  EXPECT_EQ(problem(R"({"a":1,"b":2})", {.values = 4}),
            "a.json: expected JSON of at most 4 values, got more");
}

TEST(Json, KeysStandOnce) {
  EXPECT_EQ(problem(R"([{"a":1},{"a":1,"b":{"a":2},"a":3}])"),
            "a.json: expected each key of an object once, got 'a' twice");
  EXPECT_THAT(stream_problem(R"({"a":1,"a":2})"), HasSubstr("got 'a' twice"));
  EXPECT_THAT(error_of([] { parse_ordered_json(R"({"a":1,"a":2})", "x"); }), HasSubstr("got 'a' twice"));
}

TEST(Json, OtherTextIsNamed) {
  EXPECT_THAT(problem("version https://git-lfs.github.com/spec/v1\n"),
              HasSubstr("a.json: expected JSON, got a Git LFS pointer"));
  EXPECT_THAT(problem(""), HasSubstr("a.json: expected JSON, got nothing"));
  EXPECT_THAT(problem("{\"a\":"), HasSubstr("a.json: expected JSON, got parse error at line 1, column 6"));
  EXPECT_THAT(problem("\n{\"a\": \x1b[2J}"), HasSubstr("parse error at line 2, column 7"));
  EXPECT_THAT(problem("{} {}", {.expected = "a header"}), HasSubstr("a.json: expected a header, got"));
  EXPECT_THAT(problem("[1e999]"), HasSubstr("number overflow"));
  EXPECT_THAT(stream_problem("[1,]"), HasSubstr("a.json: expected JSON, got parse error"));
  EXPECT_LE(problem("[\"" + std::string(1 << 20, 'x')).size(), kLongestError);
  EXPECT_EQ(try_parse_json("x"), std::nullopt);
  EXPECT_EQ(try_parse_json("[2]"), json::parse("[2]"));
}

TEST(Json, EventsArePassedOn) {
  std::istringstream stream(R"({"a":[1,-1,2.5,"x",true,null]})");
  Counter counter;
  parse_json_events(stream, counter, "a.json");
  EXPECT_EQ(counter.count, 8);
}

TEST(Json, ValuesAreShownShort) {
  EXPECT_EQ(json_shown(json::parse("[1]")), "an array");
  EXPECT_EQ(json_shown(json::parse("{}")), "an object");
  EXPECT_EQ(json_shown(json::parse("1.5")), "1.5");
  EXPECT_EQ(json_shown("text"), "\"text\"");
  EXPECT_LT(json_shown(std::string(1000, 'x')).size(), 70U);
}

}  // namespace
}  // namespace ccexpert
