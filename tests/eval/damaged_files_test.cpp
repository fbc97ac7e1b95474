// Thousands of damaged prediction and reference files: each is read or refused with one bounded sentence.
#include <random>

#include <gtest/gtest.h>

#include <ccexpert/core/error.h>
#include <ccexpert/eval/metrics.h>

#include "eval/shared/caption_files.h"

namespace ccexpert::eval {
namespace {

constexpr int kDamagedFiles = 4000;
constexpr size_t kLongestMessage = 1024;

constexpr const char* kSeeds[] = {
    R"({"uid": "a", "pred": "a road", "change_caption": ["x", "y"], "change_flag": 1, "before": "A/1.png", "after": "B/1.png"}
{"uid": 7, "caption": "b", "references": "z", "changeflag": "0"}
{"uid": "a", "error": "cannot be read", "change_caption": ["x"]}
)",
    R"([{"image_id": 3, "caption": "a"}, {"image_id": 4, "caption": "b"}])",
    R"({"images": [{"filepath": "test", "filename": "t.png", "imgid": 1, "changeflag": 0, "split": "test", "sentences": [{"raw": "no"}]}]})",
    R"({"images": [{"id": 7, "file_name": "x.png"}], "annotations": [{"image_id": 7, "caption": "a"}]})",
    R"({"CLEVR_default_000003.png": ["a"], "CLEVR_default_000012.png": ["b"]})",
    R"({"1": ["a road"], "2": [{"caption": "b"}], "3": "c"})",
    R"([{"pre_image": "i/x_pre.png", "post_image": "i/x_post.png", "change_caption": "c"}])",
};

constexpr const char* kPieces[] = {"[",       "]",         "{",        "}",      "\"",
                                   ",",       ":",         "null",     "-1e999", "18446744073709551616",
                                   "\\u0000", "\\ud800",   "\n",       "\xff",   "\xef\xbb\xbf",
                                   "\x1b[2J", "{\"uid\":", "[[[[[[[[", "true"};

class Damage {
 public:
  std::string operator()() {
    std::string text = pick(kSeeds);
    for (size_t i = 0, count = 1 + below(6); i < count; ++i) change(text);
    return text;
  }

 private:
  size_t below(size_t count) { return random_() % count; }
  template <class Value, size_t count>
  Value pick(Value const (&values)[count]) {
    return values[below(count)];
  }

  void change(std::string& text) {
    const size_t place = below(text.size() + 1);
    switch (below(5)) {
      case 0:
        text.insert(place, pick(kPieces));
        break;
      case 1:
        text.erase(place, below(20));
        break;
      case 2:
        text.insert(place, text.substr(below(text.size() + 1), below(40)));
        break;
      case 3:
        text.resize(place);
        break;
      default:
        if (place < text.size()) text[place] = static_cast<char>(below(256));
    }
  }

  std::mt19937_64 random_{7};
};

/// Expects success or an Error with one line of bounded length.
template <class Read>
void expect_read_or_refused(const Read& read, const std::string& text) {
  try {
    read();
  } catch (const Error& error) {
    const std::string_view message = error.what();
    EXPECT_LE(message.size(), kLongestMessage) << text;
    EXPECT_EQ(message.find_first_of("\n\r\x1b"), std::string_view::npos) << text;
  }
}

TEST(DamagedFiles, AreReadOrRefused) {
  Damage damage;
  for (int i = 0; i < kDamagedFiles; ++i) {
    const auto said = damage(), expected = damage();
    expect_read_or_refused([&] { parse_references(said, "r.json"); }, said);
    expect_read_or_refused(
        [&] {
          evaluation_set(parse_predictions(said, "p.json"), parse_references(expected, "r.json", "all"),
                         levir_cc_unchanged_sentences());
        },
        said + "\n--\n" + expected);
  }
}

}  // namespace
}  // namespace ccexpert::eval
