// Words of METEOR's normalisation; the expected ones are the original's.
#include "eval/meteor_text.h"

#include <gtest/gtest.h>

namespace ccexpert::eval {
namespace {

std::string words(const std::string& text) {
  static const auto abbreviations = parse_abbreviations("# names\nMr\n\nNo #NUMERIC_ONLY#\n");
  std::string joined;
  for (const auto& word : meteor_words(text, abbreviations)) joined += (joined.empty() ? "" : " ") + word;
  return joined;
}

TEST(MeteorText, MatchesTheOriginal) {
  const std::pair<const char*, const char*> cases[] = {
      {"Many Houses", "many houses"},
      {"houses, roads, and trees", "houses , roads , and trees"},
      {"a left-hand side", "a left hand side"},
      {"a-b-c", "a b-c"},
      {"a -- b a--b ----", "a - b a b --"},
      {"1,000 m, 1,a a,1 a,,b", "1,000 m , 1 , a a , 1 a , ,b"},
      {"don't it's 1990's 'quoted' dogs' 1'a rock'n'roll",
       "don 't it 's 1990 's ' quoted ' dogs ' 1'a rock 'n'roll"},
      {"“a” ‘b’ ``c'' a–b a—b", "\" a \" ' b ' \" c \" a - b a — b"},
      {"système d'été 变化 русский ΑΒ", "système d 'été 变 化 русский α β"},
      {"u.s.a. e.g. U.S.-based a.b x. 1.5.", "usa eg us based a.b x . 1.5 ."},
      {"x... y a..b ....", "x ... y a .. b ...."},
      {"Mr. Smith No. 5 No. X end. Next end. next", "mr. smith no. 5 no . x end . next end. next"},
      {"$3.50 50% (a) [b] x/y #1 a_b", "$ 3.50 50 % ( a ) [ b ] x / y # 1 a _ b"},
      {"", ""},
      {"  \t ", ""},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(words(text), expected) << text;
}

}  // namespace
}  // namespace ccexpert::eval
