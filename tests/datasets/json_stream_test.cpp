#include "datasets/json_stream.h"

#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert::datasets {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class JsonStream : public ::testing::Test {
 protected:
  std::vector<std::string> elements(const std::string& text, const JsonPlace& place = {}) const {
    std::vector<std::string> found;
    visit_elements(
        folder_.write("f", text), place,
        [&](nlohmann::json& element, const std::string& /*where*/) { found.push_back(element.dump()); });
    return found;
  }
  test::TemporaryFolder folder_;
};

TEST_F(JsonStream, GivesElementsOfEveryKind) {
  EXPECT_THAT(elements(R"( [1, "a", null, [2, [3]], {"b": {"c": [4, {}]}}] )"),
              ElementsAre("1", R"("a")", "null", "[2,[3]]", R"({"b":{"c":[4,{}]}})"));
  EXPECT_THAT(elements("\xEF\xBB\xBF[]"), ElementsAre());
}

TEST_F(JsonStream, GivesElementsBelowAKeyOfTheRootAlone) {
  EXPECT_THAT(
      elements(R"({"info": {"images": [9]}, "images": [{"a": 1}, [2]], "more": [3]})", {.key = "images"}),
      ElementsAre(R"({"a":1})", "[2]"));
}

TEST_F(JsonStream, PassesOverWhatNobodyReads) {
  EXPECT_THAT(elements(R"([{"a": 1, "tokens": [["x"], {"a": 2}], "b": {"tokens": 3, "c": 4}}])",
                       {.ignored = {"tokens"}}),
              ElementsAre(R"({"a":1,"b":{"c":4}})"));
}

TEST_F(JsonStream, ReadsJsonLines) {
  EXPECT_THAT(elements("{\"a\":1}\n\n{\"a\":2}"), ElementsAre(R"({"a":1})", R"({"a":2})"));
  EXPECT_THAT(test::error_of([&] { elements("{\"a\":1}\n{\"a\":"); }), HasSubstr("f: line 2: expected JSON"));
}

TEST_F(JsonStream, GivesMembersOfTheRoot) {
  std::vector<std::string> found;
  visit_members(folder_.write("f", R"({"x": ["a"], "y": {"x": 1}})"),
                [&](const std::string& key, nlohmann::json& value) { found.push_back(key + value.dump()); });
  EXPECT_THAT(found, ElementsAre(R"(x["a"])", R"(y{"x":1})"));
}

/// A value nested deeper than any real data.
std::string nested(size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

TEST_F(JsonStream, RefusesWhatIsNestedTooDeeply) {
  constexpr size_t kDeep = 100'000;
  EXPECT_THAT(test::error_of([&] { elements(nested(kDeep)); }),
              HasSubstr("f: expected JSON, got values nested"));
  EXPECT_THAT(test::error_of([&] { elements("{\"a\": " + nested(kDeep) + "}"); }),
              HasSubstr("line 1: expected JSON"));
  EXPECT_THAT(
      test::error_of([&] { elements("[{\"tokens\": " + nested(kDeep) + "}]", {.ignored = {"tokens"}}); }),
      HasSubstr("values nested too deeply"));
  EXPECT_EQ(elements("[" + nested(50) + "]").size(), 1U);
}

TEST_F(JsonStream, ReadsUtf16) {
  const std::string_view text = "[{\"a\": \"b\"}]";
  std::string wide("\xFF\xFE", 2);
  for (const char c : text) wide += {c, '\0'};
  EXPECT_THAT(elements(wide), ElementsAre(R"({"a":"b"})"));
}

TEST_F(JsonStream, VisitsAPipeAsOftenAsAFile) {
  const std::string text = "\xEF\xBB\xBF{\"a\": 1}\n{\"a\": 2}";
  const auto file = folder_.write("f", text);
  const auto pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  for (const auto& list : {file, pipe}) {
    std::thread writer([&] {
      if (list == pipe) std::ofstream(pipe) << text;
    });
    ElementList elements(list);
    writer.join();
    for (int times = 0; times < 2; ++times) {
      std::vector<std::string> found;
      elements.visit({}, [&](nlohmann::json& element, const std::string& where) {
        found.push_back(where + element.dump());
      });
      EXPECT_THAT(found,
                  ElementsAre(list.string() + ": line 1{\"a\":1}", list.string() + ": line 2{\"a\":2}"));
    }
  }
}

TEST_F(JsonStream, RefusesWhatIsNoList) {
  EXPECT_THAT(test::error_of([&] { elements("hello"); }),
              HasSubstr("expected a JSON array or JSON Lines, got other text"));
  EXPECT_THAT(test::error_of([&] { elements(""); }), HasSubstr("got nothing"));
  EXPECT_THAT(test::error_of([&] { elements("[1, 2"); }),
              HasSubstr("f: expected JSON, got parse error at line 1"));
}

}  // namespace
}  // namespace ccexpert::datasets
