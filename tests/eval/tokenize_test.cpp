#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/eval/captioned_pair.h>

#include "eval/words.h"

namespace ccexpert::eval {
namespace {

using ::testing::ElementsAre;

TEST(Tokenize, ReferenceLowersAndDeletesFullStopsAndNothingElse) {
  EXPECT_EQ(tokenize(" There is NO difference, at 1.5 m. ", Tokenizer::kReference),
            " there is no difference, at 15 m ");
  EXPECT_EQ(tokenize("Été À Σ", Tokenizer::kReference), "été à σ");
}

TEST(Tokenize, ALineBreakIsABlank) {
  EXPECT_EQ(tokenize("a road\nis\r\nbuilt", Tokenizer::kReference), "a road is  built");
  EXPECT_EQ(tokenize("a road\nis\r\nbuilt.", Tokenizer::kPtb), "a road is built");
}

TEST(Tokenize, RepairsWhatIsNoUtf8) {
  EXPECT_EQ(tokenize("a\xff", Tokenizer::kReference), "a\xef\xbf\xbd");
}

TEST(Tokenize, PtbTokensAreThoseOfTheCocoEvaluation) {
  const std::pair<const char*, const char*> cases[] = {
      {"There is no difference .", "there is no difference"},
      {"a road, a house; some trees: end.", "a road a house some trees end"},
      {"the left-hand side", "the left-hand side"},
      {"don't can't it's we're cannot gonna", "do n't ca n't it 's we 're can not gon na"},
      {"the houses' roofs, the house's", "the houses roofs the house 's"},
      {"near the U.S. base, e.g. 3.5 km, 1,000 m", "near the u.s. base e.g. 3.5 km 1,000 m"},
      {"\"quoted\" 'single' “fancy” a – b", "quoted single fancy a b"},
      {"(parentheses) [brackets]", "-lrb- parentheses -rrb- -lsb- brackets -rsb-"},
      {"and/or 50% of $5 10-20 2nd", "and/or 50 % of $ 5 10-20 2nd"},
      {"wait... what? no!", "wait what no"},
      {"système d'été 变化", "système d'été 变化"},
      {"end. Next. the main st. and trees, etc.", "end next the main st. and trees etc."},
      {"10 m² of H₂O, 1½ km²", "10 m ² of h ₂ o 1 1/2 km ²"},
      {"a&b &amp; c &lt;d&gt; &quot;e&quot;", "a & b & c < d > e"},
      {"5 sq. m, 3 sq.m", "5 sq. m 3 sq. m"},
      {"a 🏠 house🏠 ☃ ✓", "a house ☃ ✓"},
      {"rock'n'roll y'all C++ C#", "rock 'n' roll y' all c++ c#"},
      {"AT&T and R&D, a&b", "at&t and r&d a & b"},
      {"no change!Really? yes.No", "no change!really yes.no"},
      {"3.2km, 10km, 1,000m, 5.5-inch", "3.2 km 10km 1,000 m 5.5-inch"},
      {"trees.2 houses,3 roads", "trees .2 houses ,3 roads"},
      {"1 1/2 m and 1 km", "1\u00a01/2 m and 1 km"},
      {"a_b _c_ image_1.png 12.png", "a_b _ c _ image_1 png 12.png"},
      {"#road a#b *** US$5", "#road a #b *** us$ 5"},
      {"a@b @user @ 1", "a@b @user @ 1"},
      {"x+1 +5-6 10:30-11:00", "x +1 +5 -6 10:30 -11:00"},
      {"ma'am c'mon 'cause anti- Fig. 3", "ma'am c'mon 'cause anti- fig. 3"},
      {"", ""},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(tokenize(text, Tokenizer::kPtb), expected) << text;
}

TEST(Tokenize, PtbKnowsUnicodesBlanksHyphensQuotesAndFractions) {
  const std::pair<const char*, const char*> cases[] = {
      {"a\u00a0road\u2009is\u202fhere\u3000now", "a road is here now"},
      {"semi\u2010built non\u2011urban \u2010 x\u2013y", "semi\u2010built non\u2011urban x y"},
      {"so\u00adft", "soft"},
      {"«old» ‹new› “a” ‘b’ „c”", "old new a b „ c"},
      {"¾ of ⅓, 2⅔, ⅛", "3/4 of 1/3 2 2/3 ⅛"},
      {"5¢ £3 €4 ¥2 ¤1", "5 cents # 3 $ 4 ¥ 2 $ 1"},
      {"1\u20442 and 3\u066b5", "1\u20442 and 3\u066b5"},
      {"a\u200bb\ufeff c\x7f d", "a b c d"},
      {"Ⅳ ①", "①"},
      {"re\u0301el", "re\u0301el"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(tokenize(text, Tokenizer::kPtb), expected) << text;
}

TEST(Words, SplitAsPython) {
  EXPECT_THAT(split_words(" a  b\tc\u00a0d\u3000e\x1c"
                          "f "),
              ElementsAre("a", "b", "c", "d", "e", "f"));
  EXPECT_THAT(split_blanks(" a  b "), ElementsAre("", "a", "", "b", ""));
  EXPECT_THAT(split_blanks(""), ElementsAre(""));
  EXPECT_EQ(joined_words("  the  road\u00a0 "), "the road");
}

}  // namespace
}  // namespace ccexpert::eval
