#include "caption/caption_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/text/prompt.h>

namespace ccexpert::tools {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

ParsedCaptionCommand parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "ccexpert-caption");
  return parse_caption_command(static_cast<int>(arguments.size()), arguments.data());
}

/// Returns the first line of a usage error, without the program name.
std::string refusal(const std::vector<const char*>& arguments) {
  const auto parsed = parse(arguments);
  EXPECT_EQ(parsed.exit_code, 2);
  constexpr std::string_view kPrefix = "ccexpert-caption: ";
  EXPECT_THAT(parsed.text, StartsWith(std::string(kPrefix)));
  return parsed.text.substr(kPrefix.size(), parsed.text.find('\n') - kPrefix.size());
}

TEST(CaptionOptions, DefaultsAreTheEvaluations) {
  const auto parsed = parse({"--model", "m", "a.png", "b.png"});
  ASSERT_FALSE(parsed.exit_code) << parsed.text;
  const auto& command = parsed.command;
  EXPECT_EQ(command.model, "m");
  EXPECT_THAT(command.images, ElementsAre("a.png", "b.png"));
  EXPECT_TRUE(command.single_pair());
  EXPECT_EQ(command.format, data::PredictionFormat::kText);
  EXPECT_EQ(command.batch_size, 8);
  EXPECT_EQ(command.prompt, "");
  EXPECT_EQ(command.captioner.device, "auto");
  EXPECT_EQ(command.generation.beams, std::nullopt) << "what is not asked for is the checkpoint's";
  EXPECT_EQ(command.generation.repetition_penalty, std::nullopt);
  EXPECT_FALSE(command.generation.samples());
}

TEST(CaptionOptions, ValuesThatAreNoneAreNamedAndNotRepeatedWithoutEnd) {
  EXPECT_EQ(refusal({"--model=m", "--batch-size=0", "a", "b"}), "--batch-size: expected 1 to 4096, got 0");
  EXPECT_EQ(refusal({"--model=m", "--seed=1.5", "a", "b"}), "--seed: expected a whole number, got 1.5");
  EXPECT_EQ(refusal({"--model=m", "--seed=99999999999999999999", "a", "b"}),
            "--seed: expected a whole number, got 99999999999999999999");
  EXPECT_THAT(refusal({"--model=m", "--dtype=int9", "a", "b"}),
              HasSubstr("--dtype: expected standard, auto, bfloat16, float16, float32 or int8, got 'int9'"));
  const auto endless = "--format=" + std::string(100'000, 'a');
  EXPECT_LT(refusal({"--model=m", endless.c_str(), "a", "b"}).size(), 2000U);
}

TEST(CaptionOptions, AnAdapterIsMergedUnlessItIsToStayApart) {
  const auto merged = parse({"--model=m", "--adapter=a", "x", "y"}).command.captioner;
  EXPECT_EQ(merged.adapter, "a");
  EXPECT_TRUE(merged.merge_adapter);
  EXPECT_FALSE(
      parse({"--model=m", "--adapter=a", "--adapter-apart", "x", "y"}).command.captioner.merge_adapter);
  EXPECT_EQ(refusal({"--model=m", "--adapter-apart", "x", "y"}), "--adapter-apart requires --adapter");
}

TEST(CaptionOptions, EveryOptionArrives) {
  const auto parsed = parse({"--model=m",
                             "--pairs",
                             "p",
                             "--image-root",
                             "r",
                             "--output",
                             "o",
                             "--format",
                             "jsonl",
                             "--resume",
                             "--quiet",
                             "--timings",
                             "--timings-file",
                             "t",
                             "--batch-size",
                             "3",
                             "--device",
                             "cuda:1",
                             "--dtype",
                             "bfloat16",
                             "--threads",
                             "5",
                             "--max-new-tokens",
                             "7",
                             "--min-new-tokens",
                             "2",
                             "--temperature",
                             "0.5",
                             "--top-p",
                             "0.9",
                             "--top-k",
                             "11",
                             "--repetition-penalty",
                             "1.25",
                             "--length-penalty",
                             "0.5",
                             "--stop-ids",
                             "4,5",
                             "--seed",
                             "13",
                             "--feature-cache",
                             "1000",
                             "--keep-tokens",
                             "0.25",
                             "--prompt-style",
                             "paper"});
  ASSERT_FALSE(parsed.exit_code) << parsed.text;
  const auto& command = parsed.command;
  EXPECT_EQ(command.pairs, "p");
  EXPECT_EQ(command.image_root, "r");
  EXPECT_EQ(command.output, "o");
  EXPECT_EQ(command.timings_file, "t");
  EXPECT_TRUE(command.resume && command.quiet && command.timings);
  EXPECT_EQ(command.batch_size, 3);
  EXPECT_EQ(command.captioner.device, "cuda:1");
  EXPECT_EQ(command.captioner.dtype, Precision::kBfloat16);
  EXPECT_EQ(command.captioner.threads, 5);
  EXPECT_EQ(command.captioner.feature_cache, 1000);
  EXPECT_EQ(command.keep_tokens, 0.25);
  EXPECT_EQ(command.generation.max_new_tokens, 7);
  EXPECT_EQ(command.generation.min_new_tokens, 2);
  EXPECT_EQ(command.generation.temperature, 0.5);
  EXPECT_EQ(command.generation.top_p, 0.9);
  EXPECT_EQ(command.generation.top_k, 11);
  EXPECT_EQ(command.generation.repetition_penalty, 1.25);
  EXPECT_EQ(command.generation.length_penalty, 0.5);
  EXPECT_EQ(command.generation.seed, 13);
  EXPECT_THAT(command.generation.stop_ids, ElementsAre(4, 5));
  EXPECT_EQ(command.prompt, text::kPaperQuestion);
}

TEST(CaptionOptions, AStopIdTakesNoImageForAnother) {
  const auto parsed = parse({"--model=m", "--stop-ids", "4", "a.png", "b.png"});
  ASSERT_FALSE(parsed.exit_code) << parsed.text;
  EXPECT_THAT(parsed.command.generation.stop_ids, ElementsAre(4));
  EXPECT_THAT(parsed.command.images, ElementsAre("a.png", "b.png"));
  EXPECT_THAT(refusal({"--model=m", "--stop-ids=4,x", "a", "b"}),
              HasSubstr("expected a whole number, got x"));
}

TEST(CaptionOptions, DraftsAndSharesOfTokensAreChecked) {
  const auto parsed = parse({"--model=m", "--draft-tokens", "6", "--draft", "d", "a", "b"});
  ASSERT_FALSE(parsed.exit_code) << parsed.text;
  EXPECT_EQ(parsed.command.draft_tokens, 6);
  EXPECT_EQ(parsed.command.draft, "d");
  EXPECT_EQ(refusal({"--model=m", "--draft-tokens=4", "--beams=2", "a", "b"}),
            "--draft-tokens: expected with greedy decoding, without --beams, sampling and --mbr");
  EXPECT_EQ(refusal({"--model=m", "--draft-tokens=4", "--mbr=4", "a", "b"}),
            "--draft-tokens: expected with greedy decoding, without --beams, sampling and --mbr");
  EXPECT_EQ(refusal({"--model=m", "--draft=x", "a", "b"}), "--draft requires --draft-tokens");
  EXPECT_EQ(refusal({"--model=m", "--draft-tokens=0", "--draft=x", "a", "b"}),
            "--draft: expected with --draft-tokens of at least 1, got 0");
  EXPECT_THAT(refusal({"--model=m", "--draft-tokens=65", "a", "b"}), HasSubstr("expected 0 to 64, got 65"));
  EXPECT_THAT(refusal({"--model=m", "--keep-tokens=0", "a", "b"}),
              HasSubstr("expected above 0 and at most 1, got 0"));
}

TEST(CaptionOptions, SeveralQuestionsAreAnsweredAsLinesAboutOnePair) {
  const auto parsed = parse({"--model=m", "--prompt", "Road?", "--prompt", "House?", "a", "b"});
  ASSERT_FALSE(parsed.exit_code) << parsed.text;
  EXPECT_THAT(parsed.command.prompts, ElementsAre("Road?", "House?"));
  EXPECT_EQ(parsed.command.prompt, "");
  EXPECT_THAT(parsed.command.images, ElementsAre("a", "b"));
  const std::string expected =
      "--prompt: expected one, or several with one pair, as text, to standard output, got 2";
  EXPECT_EQ(refusal({"--model=m", "-p=A?", "-p=B?", "--pairs=p"}), expected);
  EXPECT_EQ(refusal({"--model=m", "-p=A?", "-p=B?", "--format=csv", "a", "b"}), expected);
  EXPECT_EQ(refusal({"--model=m", "-p=A?", "-p=B?", "--output=o", "a", "b"}), expected);
  EXPECT_EQ(refusal({"--model=m", "-p=A?", "-p=B?", "--prompt-style=paper", "a", "b"}),
            "--prompt-style: expected without several --prompt");
  EXPECT_THAT(refusal({"--model=m", "-p=A?", "-p=<image>?", "a", "b"}), StartsWith("question: expected"));
}

TEST(CaptionOptions, AQuestionAndAStyleAreOneChoice) {
  const auto parsed = parse({"--model=m", "--do-sample", "--prompt", "From <image1> to <image2>?", "a", "b"});
  ASSERT_FALSE(parsed.exit_code) << parsed.text;
  EXPECT_EQ(parsed.command.prompt, "From <image1> to <image2>?");
  EXPECT_TRUE(parsed.command.generation.samples());
  EXPECT_EQ(parse({"--model=m", "--prompt-style=reference", "a", "b"}).command.prompt,
            text::kReferenceQuestion);
  EXPECT_THAT(refusal({"--model=m", "--prompt=What?", "--prompt-style=reference", "a", "b"}),
              StartsWith("question: contradicts the prompt style reference"));
}

TEST(CaptionOptions, SeveralRanksAndTheirPlan) {
  EXPECT_EQ(parse({"--model=m", "a", "b"}).command.processes, 0);
  EXPECT_EQ(parse({"--model=m", "--nproc", "4", "a", "b"}).command.processes, 4);
  EXPECT_EQ(refusal({"--model=m", "--nproc=0", "a", "b"}), "--nproc: expected 1 to 1024, got 0");
  EXPECT_TRUE(parse({"--model=m", "--plan"}).command.plan);
  EXPECT_EQ(refusal({"--model=m", "--plan", "a", "b"}), "--plan: expected without images and --output");
}

TEST(CaptionOptions, UsageErrorsSayWhatIsWrong) {
  EXPECT_EQ(refusal({"--modle", "m", "a", "b"}), "unknown option --modle (did you mean --model?)");
  EXPECT_EQ(refusal({"--model", "m", "a"}), "input: expected two images, BEFORE AFTER, got 1");
  EXPECT_EQ(refusal({"--model", "m", "a", "b", "c"}), "input: expected two images, BEFORE AFTER, got 3");
  EXPECT_EQ(
      refusal({"--model", "m"}),
      "input: expected one of BEFORE AFTER, --pairs FILE, --series DIR, or --before DIR --after DIR, got "
      "none");
  EXPECT_THAT(refusal({"--model", "m", "a", "b", "--pairs", "p"}), HasSubstr("got several"));
  EXPECT_EQ(refusal({"--model", "m", "--before", "d"}), "input: expected --before and --after together");
  EXPECT_THAT(refusal({"--model"}), HasSubstr("--model"));
  EXPECT_THAT(refusal({"--model", "m", "a", "b", "--format", "xml"}), HasSubstr("--format"));
  EXPECT_THAT(refusal({"--model", "m", "a", "b", "--batch-size", "0"}), HasSubstr("--batch-size"));
  EXPECT_THAT(refusal({"--model", "m", "a", "b", "--beams", "two"}), HasSubstr("--beams"));
  EXPECT_EQ(refusal({"--model", "m", "a", "b", "--beams", "0"}), "--beams: expected 1 to 1024, got 0");
  EXPECT_THAT(refusal({"--model", "m", "a", "b", "--beams", "2", "--temperature", "1"}),
              HasSubstr("beam search does not sample"));
  EXPECT_THAT(refusal({"--model", "m", "a", "b", "--prompt", "one <image>"}), HasSubstr("<image>"));
  EXPECT_EQ(refusal({"--model", "m", "a", "b", "--resume"}), "--resume: expected with --output FILE");
  EXPECT_EQ(refusal({"--model", "m", "a", "b", "--resume", "-o", "x"}),
            "--resume: expected --format jsonl or csv, got text");
  EXPECT_EQ(refusal({"--model", "m", "a", "b", "--resume", "--overwrite", "-o", "x"}),
            "output: expected --resume or --overwrite, got both");
  EXPECT_THAT(refusal({"--model", "m", "--pairs", "p", "--stream"}),
              StartsWith("--stream: expected with one pair"));
  EXPECT_EQ(refusal({"--model", "m", "a", "b", "--stream", "--mbr", "4"}),
            "--stream: expected without --mbr, got --mbr 4");
  EXPECT_THAT(refusal({"--model", "m", "a", "b", "--mbr", "4", "--beams", "2"}),
              HasSubstr("beams: expected 1 with mbr, got 2"));
  EXPECT_THAT(refusal({"--model", "m", "a", "b", "--mbr-metric", "rouge"}),
              HasSubstr("mbr_metric: expected cider, as mbr is 0, got rouge"));
  EXPECT_THAT(refusal({"--model", "m", "a", "b", "--mbr", "4", "--mbr-metric", "spice"}),
              HasSubstr("--mbr-metric"));
  EXPECT_THAT(refusal({"--model", "m", "a", "b", "--mbr", "4", "--meteor-data", "d"}),
              HasSubstr("expected with --evaluate"));
  EXPECT_THAT(refusal({"--model", "m", "a", "b", "--image-root", "r"}), HasSubstr("expected with --pairs"));
}

TEST(CaptionOptions, WithoutAModelItIsTheEmbeddedOne) {
  const auto parsed = parse({"a", "b"});
  EXPECT_FALSE(parsed.exit_code) << parsed.text;
  EXPECT_EQ(parsed.command.model.filename(), "demo");
}

TEST(CaptionOptions, HelpNamesEveryGroupAndExamples) {
  const auto parsed = parse({"--help"});
  EXPECT_EQ(parsed.exit_code, 0);
  for (const char* part : {"ccexpert-caption [OPTIONS] BEFORE AFTER\n", "Model:", "Input:", "Output:",
                           "Generation:", "Examples:", "--max-new-tokens", "Exit codes"}) {
    EXPECT_THAT(parsed.text, HasSubstr(part));
  }
}

TEST(CaptionOptions, VersionAndCompletionNeedNoModel) {
  const auto version = parse({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.text,
              ::testing::AllOf(HasSubstr("LibTorch 2."), HasSubstr("CPU "), HasSubstr("GPU "),
                               HasSubstr("\n  bfloat16  "), HasSubstr(" int8"), HasSubstr(" (auto)")));
  const auto completion = parse({"--completion", "bash"});
  EXPECT_EQ(completion.exit_code, 0);
  EXPECT_THAT(completion.text,
              ::testing::AllOf(HasSubstr("--length-penalty"), HasSubstr("-W \"text jsonl csv\""),
                               HasSubstr("complete -o filenames -F _ccexpert_caption ccexpert-caption")));
}

TEST(CaptionOptions, AReportIsAFileOfItsOwn) {
  EXPECT_EQ(parse({"--model=m", "--pairs=p", "--report=r.html"}).command.report, "r.html");
  EXPECT_EQ(refusal({"--model=m", "--pairs=p", "--report=p"}),
            "--report: expected a file other than --pairs, got the same");
  EXPECT_EQ(refusal({"--model=m", "--pairs=p", "--report=./o", "--output=o", "--format=csv"}),
            "--report: expected a file other than --output, got the same");
  EXPECT_EQ(refusal({"--model=m", "--plan", "--report=r"}), "--plan: expected without --report");
  EXPECT_EQ(refusal({"--model=m", "--report=r", "-p=A?", "-p=B?", "a", "b"}),
            "--report: expected with one --prompt at most, got 2");
}

TEST(CaptionOptions, ASeriesIsAnInput) {
  const auto parsed = parse({"--model=m", "--series=s", "--image-root=r"});
  ASSERT_FALSE(parsed.exit_code) << parsed.text;
  EXPECT_EQ(parsed.command.series, "s");
  EXPECT_THAT(refusal({"--model=m", "--series=s", "--pairs=p"}), HasSubstr("got several"));
  EXPECT_EQ(refusal({"--model=m", "--series=s", "--format=csv"}),
            "--series: expected --format text or jsonl, got csv");
  EXPECT_EQ(refusal({"--model=m", "--series=s", "--output=s", "--format=jsonl"}),
            "--output: expected a file other than --series, got the same");
  EXPECT_EQ(refusal({"--model=m", "--series=s", "--output=o", "--format=jsonl", "--evaluate=e"}),
            "--evaluate: expected without --series");
}

}  // namespace
}  // namespace ccexpert::tools
