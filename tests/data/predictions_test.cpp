#include "data/shared/predictions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/core/limits.h>

#include "support/errors.h"
#include "support/files.h"
#include "support/full_disk.h"
#include "support/temporary_folder.h"

namespace ccexpert::data {
namespace {

using test::content;
using test::error_of;
using test::TemporaryFolder;
using ::testing::HasSubstr;

Prediction captioned(const std::string& uid, const std::string& caption) {
  return {.pair = {uid, "a/" + uid, "b/" + uid},
          .caption = caption,
          .token_ids = {3, 4},
          .logprob = -0.5,
          .finish = "end_token",
          .error = {}};
}

Prediction failed(const std::string& uid) {
  return {.pair = {uid, "a", "b"},
          .caption = {},
          .token_ids = {},
          .logprob = 0.0,
          .finish = {},
          .error = "cannot be read"};
}

void write_to(const std::filesystem::path& path, PredictionFormat format, ExistingOutput existing,
              const std::vector<Prediction>& predictions) {
  PredictionWriter writer(path, format, existing);
  writer.write(predictions);
}

TEST(PredictionWriter, JsonLinesHaveEveryField) {
  const TemporaryFolder folder;
  write_to(folder / "o", PredictionFormat::kJsonLines, ExistingOutput::kRefuse,
           {captioned("p\xff", "a \"new\" road\nfür"), failed("q")});
  EXPECT_EQ(content(folder / "o"),
            "{\"uid\":\"p\\\\xff\",\"before\":\"a/p\\\\xff\",\"after\":\"b/p\\\\xff\","
            "\"caption\":\"a \\\"new\\\" "
            "road\\nfür\",\"token_ids\":[3,4],\"logprob\":-0.5,\"finish\":\"end_token\"}\n"
            "{\"uid\":\"q\",\"before\":\"a\",\"after\":\"b\",\"error\":\"cannot be read\"}\n");
}

TEST(PredictionWriter, CsvAndTextKeepALineAPrediction) {
  const TemporaryFolder folder;
  write_to(folder / "csv", PredictionFormat::kCsv, ExistingOutput::kRefuse,
           {captioned("1", "a, b\nc"), failed("2")});
  EXPECT_EQ(content(folder / "csv"),
            "uid,before,after,caption,token_ids,logprob,finish,run,error,warning\n"
            "1,a/1,b/1,\"a, b c\",3 4,-0.5,end_token,,,\n"
            "2,a,b,,,,,,cannot be read,\n");
  write_to(folder / "text", PredictionFormat::kText, ExistingOutput::kRefuse,
           {captioned("1", "a\tb"), failed("2")});
  EXPECT_EQ(content(folder / "text"), "1\ta b\n2\terror: cannot be read\n");
}

class ResumeTest : public ::testing::TestWithParam<PredictionFormat> {};
INSTANTIATE_TEST_SUITE_P(Formats, ResumeTest,
                         ::testing::Values(PredictionFormat::kJsonLines, PredictionFormat::kCsv),
                         [](const auto& format) {
                           return format.param == PredictionFormat::kCsv ? "Csv" : "JsonLines";
                         });

TEST_P(ResumeTest, EqualsAnUninterruptedRun) {
  const TemporaryFolder folder;
  write_to(folder / "whole", GetParam(), ExistingOutput::kRefuse,
           {captioned("1", "x"), captioned("2", "y, z")});
  const std::string whole = content(folder / "whole");
  // Every place where a run can be cut, even within the header or a character.
  for (size_t cut = 0; cut <= whole.size(); ++cut) {
    folder.write("cut", std::string_view(whole).substr(0, cut));
    PredictionWriter writer(folder / "cut", GetParam(), ExistingOutput::kResume);
    std::vector<Prediction> rest;
    if (!writer.has_caption_of("1")) rest.push_back(captioned("1", "x"));
    if (!writer.has_caption_of("2")) rest.push_back(captioned("2", "y, z"));
    writer.write(rest);
    ASSERT_EQ(content(folder / "cut"), whole) << "cut after " << cut << " bytes";
  }
}

TEST_P(ResumeTest, TriesFailedPairsAgain) {
  const TemporaryFolder folder;
  write_to(folder / "o", GetParam(), ExistingOutput::kRefuse, {failed("1"), captioned("2", "y")});
  PredictionWriter writer(folder / "o", GetParam(), ExistingOutput::kResume);
  EXPECT_FALSE(writer.has_caption_of("1"));
  EXPECT_TRUE(writer.has_caption_of("2"));
  EXPECT_THAT(content(folder / "o"), ::testing::Not(HasSubstr("cannot be read")));
}

TEST_P(ResumeTest, KnowsUidsThatTheFormatHadToChange) {
  const TemporaryFolder folder;
  const std::vector<std::string> uids{"a\tb", "c\nd", " e ", "f,\"g\"", "h\xff.png", "h\xfe.png", "für"};
  std::vector<Prediction> predictions;
  for (const auto& uid : uids) predictions.push_back(captioned(uid, "x"));
  write_to(folder / "o", GetParam(), ExistingOutput::kRefuse, predictions);
  const PredictionWriter writer(folder / "o", GetParam(), ExistingOutput::kResume);
  for (const auto& uid : uids) EXPECT_TRUE(writer.has_caption_of(uid)) << uid;
  EXPECT_FALSE(writer.has_caption_of("h\xfd.png"));
}

TEST_P(ResumeTest, ReplacesTheFileWholeAndLeavesNothingBeside) {
  const TemporaryFolder folder;
  write_to(folder / "o", GetParam(), ExistingOutput::kRefuse, {failed("1"), captioned("2", "y")});
  const auto before = content(folder / "o");
  {
    const test::FullDisk full(1);
    EXPECT_THAT(error_of([&] { PredictionWriter(folder / "o", GetParam(), ExistingOutput::kResume); }),
                HasSubstr("o: cannot be written"));
  }
  EXPECT_EQ(content(folder / "o"), before);
  PredictionWriter(folder / "o", GetParam(), ExistingOutput::kResume);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST_P(ResumeTest, KeepsCaptionsOfTheSameRunOnly) {
  const TemporaryFolder folder;
  PredictionWriter(folder / "o", GetParam(), ExistingOutput::kRefuse, "aa")
      .write(std::vector{captioned("1", "x"), failed("2")});
  const auto before = content(folder / "o");
  EXPECT_THAT(before, HasSubstr("aa"));
  EXPECT_EQ(error_of([&] { PredictionWriter(folder / "o", GetParam(), ExistingOutput::kResume, "bb"); }),
            (folder / "o").string() +
                ": caption of 1: expected one of this model, question and options, got one of "
                "another run (resume with the settings of that run, or replace the file with --overwrite)");
  EXPECT_EQ(content(folder / "o"), before);
  const PredictionWriter same(folder / "o", GetParam(), ExistingOutput::kResume, "aa");
  EXPECT_TRUE(same.has_caption_of("1"));
  EXPECT_EQ(same.captions_without_run(), 0);
}

TEST_P(ResumeTest, CountsCaptionsThatDoNotNameTheirRun) {
  const TemporaryFolder folder;
  write_to(folder / "o", GetParam(), ExistingOutput::kRefuse, {captioned("1", "x"), captioned("2", "y")});
  EXPECT_EQ(PredictionWriter(folder / "o", GetParam(), ExistingOutput::kResume, "aa").captions_without_run(),
            2);
}

TEST(PredictionWriter, ResumesColumnsOfEarlierVersions) {
  const TemporaryFolder folder;
  const std::string columns = "uid,before,after,caption,token_ids,logprob,finish";
  const std::string without_run =
      columns + ",error\n1,a/1,b/1,x,3 4,-0.5,end_token,\n2,a,b,,,,,cannot be read\n";
  const std::string without_warning =
      columns + ",run,error\n1,a/1,b/1,x,3 4,-0.5,end_token,aa,\n2,a,b,,,,,,cannot be read\n";
  for (const auto& [text, run] : {std::pair(without_run, ""), std::pair(without_warning, "aa")}) {
    const auto file = folder.write("o", text);
    PredictionWriter writer(file, PredictionFormat::kCsv, ExistingOutput::kResume, "aa");
    EXPECT_TRUE(writer.has_caption_of("1"));
    EXPECT_FALSE(writer.has_caption_of("2"));
    EXPECT_EQ(content(file), columns + ",run,error,warning\n1,a/1,b/1,x,3 4,-0.5,end_token," + run + ",,\n");
  }
}

TEST(PredictionWriter, WritesAWarningBesideItsCaption) {
  const TemporaryFolder folder;
  auto damaged = captioned("1", "x");
  damaged.warning = "a/1: a JPEG with damaged data";
  write_to(folder / "j", PredictionFormat::kJsonLines, ExistingOutput::kRefuse, {damaged});
  EXPECT_THAT(content(folder / "j"), HasSubstr("\"warning\":\"a/1: a JPEG with damaged data\"}\n"));
  write_to(folder / "c", PredictionFormat::kCsv, ExistingOutput::kRefuse, {damaged});
  EXPECT_THAT(content(folder / "c"), HasSubstr(",end_token,,,a/1: a JPEG with damaged data\n"));
}

TEST(PredictionWriter, LeavesNoFileWhereNothingWasWritten) {
  const TemporaryFolder folder;
  PredictionWriter(folder / "new", PredictionFormat::kCsv, ExistingOutput::kRefuse);
  EXPECT_FALSE(std::filesystem::exists(folder / "new"));
  const auto empty = folder.write("empty", "");
  PredictionWriter(empty, PredictionFormat::kCsv, ExistingOutput::kRefuse);
  EXPECT_TRUE(std::filesystem::exists(empty));
  const auto full = folder.write("full", "x");
  PredictionWriter(full, PredictionFormat::kCsv, ExistingOutput::kOverwrite);
  EXPECT_EQ(content(full), "x");
}

TEST(PredictionWriter, LosesNothingThatIsThere) {
  const TemporaryFolder folder;
  const auto file =
      folder.write("o.jsonl", "{\"uid\":\"1\",\"caption\":\"\"}\n{oops}\n{\"uid\":\"3\",\"caption\":\"\"}\n");
  EXPECT_EQ(error_of([&] { PredictionWriter(file, PredictionFormat::kJsonLines, ExistingOutput::kRefuse); }),
            file.string() + ": exists already (--resume continues it, --overwrite replaces it)");
  EXPECT_THAT(
      error_of([&] { PredictionWriter(file, PredictionFormat::kJsonLines, ExistingOutput::kResume); }),
      HasSubstr("o.jsonl: line 2: expected JSON"));
  EXPECT_THAT(error_of([&] { PredictionWriter(file, PredictionFormat::kCsv, ExistingOutput::kResume); }),
              HasSubstr("expected the columns uid,before,after"));
  EXPECT_THAT(error_of([&] { PredictionWriter(file, PredictionFormat::kText, ExistingOutput::kResume); }),
              HasSubstr("expected format jsonl or csv, got text"));
  EXPECT_EQ(content(file), "{\"uid\":\"1\",\"caption\":\"\"}\n{oops}\n{\"uid\":\"3\",\"caption\":\"\"}\n");
  EXPECT_THAT(error_of([&] { PredictionWriter("/none/o", PredictionFormat::kCsv, ExistingOutput::kRefuse); }),
              HasSubstr("/none/o: cannot be written (No such file or directory)"));
}

TEST(PredictionWriter, OverwritesWhereAsked) {
  const TemporaryFolder folder;
  const auto file = folder.write("o", "something else\n");
  PredictionWriter writer(file, PredictionFormat::kText, ExistingOutput::kOverwrite);
  EXPECT_EQ(content(file), "something else\n");
  writer.write(std::vector{captioned("1", "x")});
  writer.write(std::vector{captioned("2", "y")});
  EXPECT_EQ(content(file), "1\tx\n2\ty\n");
}

TEST(PredictionWriter, OneWriterAFile) {
  const TemporaryFolder folder;
  PredictionWriter first(folder / "o", PredictionFormat::kJsonLines, ExistingOutput::kRefuse);
  EXPECT_EQ(error_of([&] {
              PredictionWriter(folder / "o", PredictionFormat::kJsonLines, ExistingOutput::kResume);
            }),
            (folder / "o").string() + ": another process is writing it");
}

TEST(PredictionFormatName, KnowsThree) {
  EXPECT_EQ(parse_text<PredictionFormat>("csv", "format"), PredictionFormat::kCsv);
  EXPECT_EQ(error_of([] { parse_text<PredictionFormat>("xml", "format"); }),
            "format: expected text, jsonl or csv, got 'xml'");
}

TEST(Captions, AreReadAgainWithTheFilesOfTheirPairs) {
  const TemporaryFolder folder;
  const std::vector<PairFiles> pairs{{"p\xff", "x", "y"}, {"q", "x", "z"}};
  auto first = captioned("p\xff", "a, b"), other = captioned("r", "of no pair");
  first.warning = "a JPEG with damaged data";
  for (const auto format : {PredictionFormat::kJsonLines, PredictionFormat::kCsv}) {
    if (format == PredictionFormat::kJsonLines) {
      first.series = SeriesPart{.place = "harbour",
                                .from = "1",
                                .to = "2",
                                .kind = SeriesKind::kAround,
                                .changed = true,
                                .transient = false};
    } else {
      first.series.reset();
    }
    first.places = {
        .change = PredictedChange{.map = {.grid = 1, .values = {0.25F}, .covered = 0.5, .padded = true},
                                  .score = 0.75,
                                  .raw = 0.5},
        .words = {{"a", {.grid = 2, .values = {0, 0.5F, 1, 0}}}},
        .unsure = true};
    write_to(folder / "o", format, ExistingOutput::kOverwrite, {first, failed("q"), other});
    std::vector<Prediction> read;
    visit_captions(folder / "o", format, pairs, [&](const Prediction& each) { read.push_back(each); });
    ASSERT_EQ(read.size(), 1U);
    EXPECT_EQ(read[0].pair, pairs[0]);
    EXPECT_EQ(read[0].caption, "a, b");
    EXPECT_EQ(read[0].token_ids, first.token_ids);
    EXPECT_EQ(read[0].logprob, -0.5);
    EXPECT_EQ(read[0].finish, "end_token");
    EXPECT_EQ(read[0].warning, first.warning);
    ASSERT_EQ(read[0].series.has_value(), first.series.has_value());
    if (!first.series) continue;
    ASSERT_TRUE(read[0].places.change.has_value());
    EXPECT_EQ(read[0].places.change->map, first.places.change->map);
    EXPECT_EQ(read[0].places.change->score, 0.75);
    EXPECT_EQ(read[0].places.change->raw, 0.5);
    ASSERT_EQ(read[0].places.words.size(), 1U);
    EXPECT_EQ(read[0].places.words[0].word, "a");
    EXPECT_EQ(read[0].places.words[0].map, first.places.words[0].map);
    EXPECT_EQ(read[0].places.unsure, true);
    EXPECT_EQ(read[0].series->place, "harbour");
    EXPECT_EQ(read[0].series->kind, SeriesKind::kAround);
    EXPECT_EQ(read[0].series->changed, true);
    EXPECT_EQ(read[0].series->transient, false);
  }
}

TEST(Captions, OfAnotherTypeAreErrors) {
  const TemporaryFolder folder;
  const std::vector<PairFiles> pairs{{"q", "x", "y"}};
  const auto error = [&](const std::string& line, PredictionFormat format) {
    const auto file = folder.write("o", line);
    return error_of([&] { visit_captions(file, format, pairs, [](const Prediction& /*each*/) {}); });
  };
  EXPECT_THAT(
      error("{\"uid\":\"q\",\"caption\":\"a\",\"token_ids\":[\"x\"]}\n", PredictionFormat::kJsonLines),
      HasSubstr("caption of q: token_ids: expected integers"));
  const auto places_error = [&](const std::string& fields) {
    return error("{\"uid\":\"q\",\"caption\":\"a\"," + fields + "}\n", PredictionFormat::kJsonLines);
  };
  EXPECT_THAT(places_error("\"change_map\":{\"grid\":2,\"values\":[1,2]}"),
              HasSubstr("change_map: values: expected a list of 2 x 2 numbers"));
  EXPECT_THAT(places_error("\"change_map\":3"), HasSubstr("change_map: expected an object, got 3"));
  EXPECT_THAT(places_error("\"words\":[{\"word\":\"a\"}]"),
              HasSubstr("words: map: expected an object, got none"));
  EXPECT_THAT(error("uid,before,after,caption,token_ids,logprob,finish,run,error,warning\nq,x,y,a,3 "
                    "z,-1,end_token,,,\n",
                    PredictionFormat::kCsv),
              HasSubstr("caption of q: token_ids: expected a number, got 'z'"));
}

}  // namespace
}  // namespace ccexpert::data
