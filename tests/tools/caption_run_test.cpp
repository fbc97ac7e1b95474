#include "caption/caption_run.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/files.h"
#include "support/paths.h"
#include "support/temporary_folder.h"
#include "tools/fake_model.h"

namespace ccexpert::tools {
namespace {

using test::content;
using test::error_of;
using test::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Folder with `count` pairs: grey levels 0, 1, ... before and 100, 101, ... after.
class CaptionRun : public ::testing::Test {
 protected:
  void make_pairs(int count) {
    for (int i = 0; i < count; ++i) {
      const auto name = fmt::format("{:02}.png", i);
      test::write_image(folder_ / "A" / name, static_cast<uint8_t>(i));
      test::write_image(folder_ / "B" / name, static_cast<uint8_t>(100 + i));
    }
    command_.before_folder = folder_ / "A";
    command_.after_folder = folder_ / "B";
    command_.output = folder_ / "out";
    command_.quiet = true;
  }

  RunSummary run(const CaptionBatch& model = test::fake_captions, const std::stop_token& stop = {}) {
    const auto pairs = pairs_of(command_);
    auto writer = writer_of(command_, "run");
    return caption_many(command_, pairs, model, {writer}, stop);
  }

  std::string output() const { return content(command_.output); }

  TemporaryFolder folder_;
  CaptionCommand command_;
};

/// Returns a JPEG whose data has bytes too many, of which libjpeg only warns.
std::string damaged_jpeg() {
  using namespace std::string_literals;
  auto bytes = content(std::filesystem::path(test::kTestData) / "preprocess/images/baseline_444.jpg");
  return bytes.insert(bytes.rfind("\xff\xd9"s), 99, '\x01');
}

TEST_F(CaptionRun, ADamagedJpegIsToldOfOnceAlsoWhenQuiet) {
  const auto jpeg = folder_.write("x.jpg", damaged_jpeg());
  command_.pairs = folder_.write("pairs.csv", "uid,before,after\n1,x.jpg,x.jpg\n");
  command_.output = folder_ / "out";
  command_.quiet = true;
  command_.format = data::PredictionFormat::kJsonLines;
  const std::string warning = jpeg.string() + ": a JPEG with damaged data";
  testing::internal::CaptureStderr();
  EXPECT_EQ(run().captioned, 1);
  const auto printed = testing::internal::GetCapturedStderr();
  for (const auto& text : {printed, output()}) {
    EXPECT_THAT(text, HasSubstr(warning));
    EXPECT_EQ(text.find(warning), text.rfind(warning)) << text;
  }
  EXPECT_THAT(output(), HasSubstr("\"caption\":\"from "));
}

TEST_F(CaptionRun, EveryPairInOrderWhateverTheBatch) {
  make_pairs(5);
  const std::string expected =
      "00.png\tfrom 0 to 100\n01.png\tfrom 1 to 101\n02.png\tfrom 2 to 102\n03.png\tfrom 3 to 103\n"
      "04.png\tfrom 4 to 104\n";
  command_.overwrite = true;
  for (const int64_t batch_size : {1, 2, 5, 100}) {
    command_.batch_size = batch_size;
    const auto summary = run();
    EXPECT_EQ(output(), expected);
    EXPECT_EQ(summary.captioned, 5);
    EXPECT_EQ(summary.failed, 0);
  }
}

TEST_F(CaptionRun, BatchesAreAsLargeAsAsked) {
  make_pairs(5);
  command_.batch_size = 2;
  std::vector<size_t> sizes;
  run([&](std::span<const ImagePair> pairs, const CaptionOptions& options) {
    sizes.push_back(pairs.size());
    return test::fake_captions(pairs, options);
  });
  EXPECT_THAT(sizes, ElementsAre(2, 2, 1));
}

TEST_F(CaptionRun, AnUnreadablePairIsALineWithItsError) {
  make_pairs(3);
  folder_.write("B/01.png", "no image");
  command_.format = data::PredictionFormat::kJsonLines;
  const auto summary = run();
  EXPECT_EQ(summary.captioned, 2);
  EXPECT_EQ(summary.failed, 1);
  std::istringstream lines(output());
  std::string first, second, third;
  std::getline(lines, first);
  std::getline(lines, second);
  std::getline(lines, third);
  EXPECT_THAT(first, HasSubstr("\"caption\":\"from 0 to 100\",\"token_ids\":[0,100],\"logprob\":-1.5"));
  EXPECT_THAT(second, ::testing::AllOf(HasSubstr("\"uid\":\"01.png\""), HasSubstr("\"error\":\""),
                                       HasSubstr("B/01.png: ")));
  EXPECT_THAT(third, HasSubstr("from 2 to 102"));
}

TEST_F(CaptionRun, ABatchOfUnreadablePairsGoesOn) {
  make_pairs(2);
  folder_.write("A/00.png", "");
  command_.batch_size = 1;
  const auto summary = run();
  EXPECT_EQ(summary.failed, 1);
  EXPECT_THAT(output(), ::testing::EndsWith("01.png\tfrom 1 to 101\n"));
}

TEST_F(CaptionRun, ResumedEqualsUninterrupted) {
  make_pairs(7);
  command_.format = data::PredictionFormat::kCsv;
  command_.batch_size = 2;
  run();
  const auto whole = output();
  command_.resume = true;
  for (const size_t cut : {size_t{0}, size_t{10}, whole.size() / 2, whole.size() - 3, whole.size()}) {
    folder_.write("out", whole.substr(0, cut));
    const auto summary = run();
    EXPECT_EQ(output(), whole) << "cut after " << cut;
    EXPECT_EQ(summary.skipped + summary.captioned, 7);
  }
}

TEST_F(CaptionRun, ResumedUidsMayHoldAnyBytes) {
  make_pairs(1);
  const auto image = command_.before_folder / "00.png";
  for (const auto format : {data::PredictionFormat::kCsv, data::PredictionFormat::kJsonLines}) {
    for (const std::string uid : {"a\tb", "\xff.png"}) {
      command_.format = format;
      command_.resume = false;
      command_.overwrite = true;
      const std::vector<data::PairFiles> pairs{{uid, image, image}};
      const auto caption = [&] {
        auto writer = writer_of(command_, "run");
        return caption_many(command_, pairs, test::fake_captions, {writer}, {});
      };
      EXPECT_EQ(caption().captioned, 1);
      const auto once = output();
      command_.resume = true;
      command_.overwrite = false;
      EXPECT_EQ(caption().skipped, 1) << name_of(format) << " " << uid;
      EXPECT_EQ(output(), once);
    }
  }
}

TEST_F(CaptionRun, AStopKeepsWholeBatchesOnly) {
  make_pairs(6);
  command_.format = data::PredictionFormat::kJsonLines;
  command_.batch_size = 2;
  std::stop_source source;
  int calls = 0;
  const auto summary = run(
      [&](std::span<const ImagePair> pairs, const CaptionOptions& options) {
        if (++calls == 2) source.request_stop();
        EXPECT_EQ(options.stop.stop_requested(), calls == 2);
        return test::fake_captions(pairs, options);
      },
      source.get_token());
  EXPECT_TRUE(summary.interrupted);
  EXPECT_EQ(summary.captioned, 2);
  const auto cut = output();
  EXPECT_EQ(std::count(cut.begin(), cut.end(), '\n'), 2);
}

TEST_F(CaptionRun, AModelThatFailsEndsTheRunAndKeepsWhatIsThere) {
  make_pairs(4);
  command_.batch_size = 2;
  int calls = 0;
  const auto failing = [&](std::span<const ImagePair> pairs, const CaptionOptions& options) {
    if (++calls == 2) throw Error("memory: not enough");
    return test::fake_captions(pairs, options);
  };
  EXPECT_EQ(error_of([&] { run(failing); }), "memory: not enough");
  EXPECT_EQ(output(), "00.png\tfrom 0 to 100\n01.png\tfrom 1 to 101\n");
}

TEST_F(CaptionRun, OnePairStreamsItsTokens) {
  make_pairs(1);
  command_.images = {folder_ / "A/00.png", folder_ / "B/00.png"};
  command_.stream = true;
  std::ostringstream out;
  const auto streaming = [](std::span<const ImagePair> pairs, const CaptionOptions& options) {
    for (const char* piece : {"from", " 0"})
      options.on_token({.pair = 0, .token_id = 1, .logprob = 0, .text = piece});
    return test::fake_captions(pairs, options);
  };
  const auto prediction = caption_one(command_, streaming, {}, out);
  EXPECT_EQ(out.str(), "from 0\n");
  EXPECT_EQ(prediction.caption, "from 0 to 100");
  EXPECT_EQ(prediction.pair.uid, (folder_ / "A/00.png").string());
}

TEST_F(CaptionRun, AStreamThatIsCutEndsItsLine) {
  make_pairs(1);
  command_.images = {folder_ / "A/00.png", folder_ / "B/00.png"};
  command_.stream = true;
  const auto failing = [](std::span<const ImagePair> /*pairs*/,
                          const CaptionOptions& options) -> std::vector<Caption> {
    options.on_token({.pair = 0, .token_id = 1, .logprob = 0, .text = "from"});
    throw Error("memory: not enough");
  };
  std::ostringstream out;
  EXPECT_EQ(error_of([&] { caption_one(command_, failing, {}, out); }), "memory: not enough");
  EXPECT_EQ(out.str(), "from\n");
}

TEST_F(CaptionRun, OneUnreadablePairIsAnError) {
  command_.images = {folder_ / "none.png", folder_ / "none.png"};
  std::ostringstream out;
  EXPECT_THAT(error_of([&] { caption_one(command_, test::fake_captions, {}, out); }),
              HasSubstr("none.png: "));
  EXPECT_EQ(out.str(), "");
}

TEST_F(CaptionRun, TheQuestionReachesTheModel) {
  make_pairs(1);
  command_.prompt = "Is there a road?";
  command_.generation.max_new_tokens = 9;
  run([&](std::span<const ImagePair> pairs, const CaptionOptions& options) {
    EXPECT_EQ(options.question, "Is there a road?");
    EXPECT_EQ(options.generation.max_new_tokens, 9);
    return test::fake_captions(pairs, options);
  });
  EXPECT_EQ(output(), "00.png\tfrom 0 to 100\n");
}

/// Returns a conversation that repeats the question and the pair.
std::function<Caption(const CaptionOptions&)> fake_conversation(const ImagePair& pair) {
  return [pair](const CaptionOptions& options) {
    auto caption = test::fake_caption(pair);
    caption.text = options.question + " " + caption.text;
    if (options.on_token) options.on_token({.text = caption.text});
    return caption;
  };
}

TEST_F(CaptionRun, EachQuestionIsAnsweredInALine) {
  make_pairs(1);
  command_.images = {folder_ / "A/00.png", folder_ / "B/00.png"};
  command_.prompts = {"Road?", "House?"};
  for (const bool stream : {false, true}) {
    command_.stream = stream;
    std::ostringstream out;
    answer_all(command_, fake_conversation, {}, out);
    EXPECT_EQ(out.str(), "Road? from 0 to 100\nHouse? from 0 to 100\n");
  }
  command_.stream = false;
  command_.prompts = {"A road\nor\ta house?"};
  std::ostringstream lines;
  answer_all(command_, fake_conversation, {}, lines);
  EXPECT_EQ(lines.str(), "A road or a house? from 0 to 100\n");
  std::stop_source source;
  source.request_stop();
  std::ostringstream out;
  answer_all(command_, fake_conversation, source.get_token(), out);
  EXPECT_EQ(out.str(), "");
  command_.images[1] = folder_ / "none.png";
  EXPECT_THAT(error_of([&] { answer_all(command_, fake_conversation, {}, out); }), HasSubstr("none.png"));
}

}  // namespace
}  // namespace ccexpert::tools
