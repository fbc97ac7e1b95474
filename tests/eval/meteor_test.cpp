// METEOR with small tables; golden_metrics_test.cpp uses the real ones.
#include <array>
#include <chrono>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>
#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ccexpert/eval/meteor.h>

#include "eval/meteor_index_file.h"
#include "eval/meteor_tables.h"
#include "support/errors.h"

namespace ccexpert::eval {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class MeteorTest : public ::testing::Test {
 protected:
  std::vector<std::string> matches(const std::string& prediction, const std::string& reference) {
    constexpr std::array kNames{"exact", "stem", "synonym", "paraphrase"};
    std::vector<std::string> texts;
    for (const auto& match : MeteorAligner(tables_.open()).align(prediction, reference).matches) {
      std::ostringstream text;
      text << match.prediction_start << "+" << match.prediction_words << ":" << match.reference_start << "+"
           << match.reference_words << " " << kNames.at(static_cast<size_t>(match.kind));
      texts.push_back(text.str());
    }
    return texts;
  }
  double score(const std::string& prediction, const std::vector<std::string>& references) {
    const auto metric = make_meteor(tables_.open());
    metric->add({.uid = "a", .prediction = prediction, .references = references});
    return metric->value().front();
  }

  test::MeteorTables tables_;
};

TEST_F(MeteorTest, MatchesByEveryKind) {
  EXPECT_THAT(matches("the cars", "the automobile"), ElementsAre("0+1:0+1 exact", "1+1:1+1 synonym"));
  EXPECT_THAT(matches("the trees", "the tree"), ElementsAre("0+1:0+1 exact", "1+1:1+1 stem"));
  EXPECT_THAT(matches("a number of houses", "several houses"),
              ElementsAre("0+3:0+1 paraphrase", "3+1:1+1 exact"));
  EXPECT_THAT(matches("several houses", "a number of houses"),
              ElementsAre("0+1:0+3 paraphrase", "1+1:3+1 exact"));
}

TEST_F(MeteorTest, KnowsBaseFormsOfIrregularWords) {
  EXPECT_THAT(matches("better", "good"), ElementsAre("0+1:0+1 synonym"));
}

TEST_F(MeteorTest, PrefersFewPiecesToASingleWordMatchedInTwoWays) {
  // "houses" and "house" share a stem and a synset, so the match is not definite and must not cost a chunk.
  EXPECT_THAT(matches("x houses", "y z house"), ElementsAre());
  EXPECT_THAT(matches("the houses", "the house"), ElementsAre("0+1:0+1 exact", "1+1:1+1 stem"));
}

TEST_F(MeteorTest, EqualSentencesScoreOne) {
  EXPECT_DOUBLE_EQ(score("many houses are built", {"many houses are built"}), 1.0);
  EXPECT_DOUBLE_EQ(score("built are houses many", {"many houses are built"}), 0.4);
}

TEST_F(MeteorTest, TakesTheBestReference) {
  const double alone = score("a road is built", {"a road is built in the woods"});
  EXPECT_DOUBLE_EQ(score("a road is built", {"trees", "a road is built in the woods", "nothing"}), alone);
  EXPECT_GT(alone, 0.3);
}

TEST_F(MeteorTest, NothingInCommonIsZeroNotNan) {
  EXPECT_EQ(score("", {"many houses"}), 0.0);
  EXPECT_EQ(score("xyz", {"many houses"}), 0.0);
  EXPECT_EQ(score("many houses", {""}), 0.0);
  EXPECT_EQ(score("", {""}), 0.0);
}

TEST_F(MeteorTest, AlignsSentencesOfMoreWordsThanAMachineWordHasBits) {
  std::string text;
  for (int i = 0; i < 150; ++i) text.append("w").append(std::to_string(i)).append(" ");
  EXPECT_EQ(matches(text, text).size(), 150u);
  EXPECT_EQ(matches(text + "a b", "b a " + text).size(), 152u);
}

TEST_F(MeteorTest, BuildsTheIndexOnceAndAgainWhereAFileChanged) {
  int built = 0;
  const auto count = [&] { ++built; };
  MeteorData::open(tables_.data(), count);
  MeteorData::open(tables_.data(), count);
  EXPECT_EQ(built, 1);
  tables_.folder().write("data/function/english.words", "the\n");
  MeteorData::open(tables_.data(), count);
  EXPECT_EQ(built, 2);
}

TEST_F(MeteorTest, BuildsACutIndexAgain) {
  MeteorData::open(tables_.data());
  for (const auto& file : fs::directory_iterator(tables_.folder() / "cache/ccexpert"))
    fs::resize_file(file.path(), fs::file_size(file.path()) - 8);
  int built = 0;
  MeteorData::open(tables_.data(), [&] { ++built; });
  EXPECT_EQ(built, 1);
}

TEST_F(MeteorTest, BuildsADamagedIndexAgain) {
  MeteorData::open(tables_.data());
  const auto file = fs::directory_iterator(tables_.folder() / "cache/ccexpert")->path();
  for (const auto place : {uintmax_t{20}, fs::file_size(file) / 2, fs::file_size(file) - 9}) {
    {
      std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
      bytes.seekg(static_cast<std::streamoff>(place));
      const int byte = bytes.get();
      bytes.seekp(static_cast<std::streamoff>(place));
      bytes.put(static_cast<char>(byte ^ 0x41));
    }
    int built = 0;
    MeteorData::open(tables_.data(), [&] { ++built; });
    EXPECT_EQ(built, 1) << place;
  }
}

/// Returns the bytes of an index with one section changed and the checksum corrected.
std::string tampered(std::string bytes, IndexSection section, const std::function<void(char*)>& change) {
  IndexHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  std::vector<std::span<const std::byte>> sections;
  size_t place = padded(sizeof(header));
  for (size_t i = 0; i < kIndexSections; ++i) {
    if (i == section) change(bytes.data() + place);
    sections.emplace_back(reinterpret_cast<const std::byte*>(bytes.data()) + place, header.bytes.at(i));
    place += padded(header.bytes.at(i));
  }
  header.hash = index_hash(header, sections);
  std::memcpy(bytes.data(), &header, sizeof(header));
  return bytes;
}

TEST_F(MeteorTest, AnIndexThatSomebodyChangedIsBuiltAgain) {
  const auto offset = [](char* bytes) { std::memset(bytes, 0xff, sizeof(uint32_t)); };
  const auto key = [](char* bytes) { std::memset(bytes, 0xff, sizeof(uint64_t)); };
  const std::pair<IndexSection, std::function<void(char*)>> cases[] = {
      {kPhraseOffsets, offset}, {kSynonymOffsets, offset}, {kIrregularOffsets, offset},
      {kPhraseKeys, key},       {kSynonymKeys, key},       {kFunctionWords, key}};
  for (const auto& [section, change] : cases) {
    MeteorData::open(tables_.data());
    const auto file = fs::directory_iterator(tables_.folder() / "cache/ccexpert")->path();
    std::ostringstream bytes;
    bytes << std::ifstream(file, std::ios::binary).rdbuf();
    const auto changed = tampered(bytes.str(), section, change);
    std::ofstream(file, std::ios::binary) << changed;
    int built = 0;
    const auto data = MeteorData::open(tables_.data(), [&] { ++built; });
    EXPECT_EQ(built, 1) << section;
    MeteorAligner(data).align("better cars a number of houses", "good automobile many house");
  }
}

TEST_F(MeteorTest, RefusesCaptionsWhoseAlignmentHasNoBound) {
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "road ";
  EXPECT_THAT(test::error_of([&] { score(many, {many + "x"}); }),
              HasSubstr("METEOR: expected captions of at most 524288 pairs of matching words, got more"));
}

TEST_F(MeteorTest, RemovesWhatKilledBuildsLeft) {
  MeteorData::open(tables_.data());
  const auto index = fs::directory_iterator(tables_.folder() / "cache/ccexpert")->path();
  const auto old = fs::path(index.string() + ".tmp12"), fresh = fs::path(index.string() + ".tmp-abcdef");
  for (const auto& each : {old, fresh}) fs::create_directory(each);
  fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(2));
  MeteorData::open(tables_.data());
  EXPECT_FALSE(fs::exists(old));
  EXPECT_TRUE(fs::exists(fresh));
}

TEST_F(MeteorTest, SeveralProcessesMayBuildAtOnce) {
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(test::error_of([&] { tables_.open(); }) == "no error" ? 0 : 1);
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  const auto cache = tables_.folder() / "cache/ccexpert";
  EXPECT_EQ(std::distance(fs::directory_iterator(cache), {}), 1);
  MeteorData::open(tables_.data(), [] { ADD_FAILURE() << "expected a whole index"; });
}

TEST_F(MeteorTest, SaysWhereTheCacheCannotBeWritten) {
  ::setenv("XDG_CACHE_HOME", (tables_.data() / "own-tables").c_str(), 1);
  EXPECT_THAT(
      test::error_of([&] {
        MeteorData::open(tables_.data(), [] { ADD_FAILURE() << "expected an error before the work"; });
      }),
      AllOf(HasSubstr("METEOR's index: expected a writable cache folder"), HasSubstr("XDG_CACHE_HOME")));
}

TEST_F(MeteorTest, SaysWhichFileIsMissingAndWhatToRun) {
  fs::remove(tables_.data() / "paraphrase-en.gz");
  EXPECT_THAT(test::error_of([&] { MeteorData::open(tables_.data()); }),
              AllOf(HasSubstr("METEOR's data: expected a file"), HasSubstr("paraphrase-en.gz"),
                    HasSubstr("scripts/setup.sh"), HasSubstr("--no-meteor")));
}

TEST_F(MeteorTest, ANulIsACharacterOfItsLine) {
  using std::string_literals::operator""s;
  tables_.folder().write("data/paraphrase-en.gz", test::gzip_of("0.1\nred\0x\nblue\n0.1\nnear\nclose\n"s));
  EXPECT_THAT(matches("near", "close"), ElementsAre("0+1:0+1 paraphrase"));
}

TEST_F(MeteorTest, RefusesBrokenTables) {
  tables_.folder().write("data/synonym/english.synsets", "car\n02958343 x1\n");
  EXPECT_THAT(test::error_of([&] { MeteorData::open(tables_.data()); }),
              HasSubstr("english.synsets: line 2: expected numbers of synsets, got x1"));
  std::string rows;
  for (int i = 0; i < 20000; ++i) rows += "x\r\x1b[2J";
  tables_.folder().write("data/synonym/english.synsets", "car\n" + rows + "\n");
  const auto error = test::error_of([&] { MeteorData::open(tables_.data()); });
  EXPECT_THAT(error, HasSubstr("english.synsets: line 2: expected numbers of synsets, got x"));
  EXPECT_LE(error.size(), 1024u);
  EXPECT_EQ(error.find_first_of("\r\n\x1b"), std::string::npos);
  tables_.folder().write("data/synonym/english.synsets", "car\n02958343\n");
  tables_.folder().write("data/paraphrase-en.gz", test::gzip_of("0.1\na number of\n"));
  EXPECT_THAT(test::error_of([&] { MeteorData::open(tables_.data()); }), HasSubstr("ends within an entry"));
}

TEST_F(MeteorTest, RefusesTablesThatAreEmptyOrCut) {
  const auto whole = test::gzip_of("0.1\na number of\nmany\n");
  const std::tuple<const char*, std::string, const char*> cases[] = {
      {"paraphrase-en.gz", "", "paraphrase-en.gz: expected a gzip file, got an empty file"},
      {"paraphrase-en.gz", "0.1\na number of\nmany\n", "expected a gzip file, got another file"},
      {"paraphrase-en.gz", whole.substr(0, whole.size() - 9), "paraphrase-en.gz: cannot be unpacked"},
      {"paraphrase-en.gz", test::gzip_of(""), "paraphrase-en.gz: expected paraphrases, got none"},
      {"synonym/english.synsets", "", "english.synsets: expected two lines per entry, got none"},
      {"synonym/english.synsets", "car\n02958343\nhouse\n", "expected two lines per entry, got 3 lines"},
      {"synonym/english.exceptions", "good\n",
       "english.exceptions: expected two lines per entry, got 1 lines"},
      {"function/english.words", "", "english.words: expected function words, got none"},
      {"nonbreaking/english.prefixes", "", "english.prefixes: expected abbreviations, got none"},
  };
  for (const auto& [name, bytes, message] : cases) {
    const test::MeteorTables tables;
    tables.folder().write(std::string("data/") + name, bytes);
    EXPECT_THAT(test::error_of([&] { MeteorData::open(tables.data()); }),
                AllOf(HasSubstr(message), HasSubstr("scripts/setup.sh")))
        << name;
  }
}

TEST_F(MeteorTest, TakesTablesThatAreNotTheOriginalOnlyWhereTheFolderSaysSo) {
  fs::remove(tables_.data() / "own-tables");
  EXPECT_THAT(test::error_of([&] { MeteorData::open(tables_.data()); }),
              AllOf(HasSubstr("english.synsets: expected METEOR 1.5's file of 3702066 bytes, got "),
                    HasSubstr("run scripts/setup.sh again"), HasSubstr("own-tables")));
}

TEST_F(MeteorTest, DefaultFolderIsInTheCacheOrNamed) {
  EXPECT_EQ(MeteorData::default_folder(), tables_.folder() / "cache/ccexpert/meteor-1.5");
  ::setenv("CCEXPERT_METEOR_DATA", "/somewhere", 1);
  EXPECT_EQ(MeteorData::default_folder(), "/somewhere");
  ::unsetenv("CCEXPERT_METEOR_DATA");
}

}  // namespace
}  // namespace ccexpert::eval
