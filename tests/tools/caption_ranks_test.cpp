// Processes of ccexpert-caption that share a decoder.
#include "tools/local_socket.h"
#include "tools/train_fixture.h"

namespace ccexpert::test {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kModel = std::string(test::kTestData) + "/checkpoint-tiny";
const std::string kBefore = std::string(test::kSourceDir) + "/docs/images/demo/before.png";
const std::string kAfter = std::string(test::kSourceDir) + "/docs/images/demo/after.png";

std::vector<std::string> command(const std::vector<std::string>& arguments,
                                 const std::string& model = kModel) {
  std::vector<std::string> all{CCEXPERT_CAPTION, "--model", model, "--device=cpu", "--threads=1"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return all;
}

ProcessResult caption(const std::vector<std::string>& arguments) {
  return run_process(command(arguments));
}

/// Writes a list of `count` pairs of the demo images in either order.
std::string write_list(const TemporaryFolder& folder, int count) {
  std::string list = "uid,before,after\n";
  for (int i = 0; i < count; ++i)
    list += i % 2 == 0 ? fmt::format("{},{},{}\n", i, kBefore, kAfter)
                       : fmt::format("{},{},{}\n", i, kAfter, kBefore);
  return folder.write("pairs.csv", list).string();
}

/// Returns the captions of a file of JSON Lines, in its order.
std::vector<std::string> captions_in(const std::string& file) {
  std::vector<std::string> captions;
  std::istringstream lines(content(file));
  for (std::string line; std::getline(lines, line);) captions.push_back(json::parse(line).at("caption"));
  return captions;
}

TEST(CaptionRanks, WriteTheCaptionsOfOneProcess) {
  const TemporaryFolder folder;
  const auto list = write_list(folder, 3);
  const auto write = [&](const std::string& name, std::vector<std::string> more) {
    const auto file = (folder / name).string();
    more.insert(more.end(), {"--pairs", list, "--format=jsonl", "--output", file, "--batch-size=2"});
    const auto result = caption(more);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return file;
  };
  const auto one = write("one.jsonl", {"--beams=2"}), two = write("two.jsonl", {"--beams=2", "--nproc", "2"});
  EXPECT_EQ(captions_in(two), captions_in(one));
  EXPECT_EQ(captions_in(one).size(), 3U);
}

/// Expects an error of one sentence from all ranks together.
void expect_one_sentence(const ProcessResult& result, const std::string& sentence) {
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.err, "ccexpert-caption: " + sentence + "\n");
}

TEST(CaptionRanks, EndWithTheCodeOfTheFirst) {
  expect_one_sentence(caption({"--quiet", "--nproc=2", "--pairs", "/none.csv"}),
                      "/none.csv: cannot be opened (No such file or directory)");
}

TEST(CaptionRanks, MustBeAbleToShareTheHeads) {
  expect_one_sentence(caption({"--quiet", "--nproc=3", kBefore, kAfter}),
                      "tensor parallelism: expected a number of ranks that divides 4 attention heads, got 3");
}

TEST(CaptionRanks, RefuseInt8Once) {
  expect_one_sentence(caption({"--quiet", "--nproc=2", "--dtype=int8", kBefore, kAfter}),
                      "captions by several ranks: expected dtype float32, bfloat16 or float16, got int8");
}

TEST(CaptionRanks, RefuseMapsOfWords) {
  expect_one_sentence(caption({"--quiet", "--nproc=2", "--words", "--format=jsonl", kBefore, kAfter}),
                      "words: expected one process, got several ranks (each knows the attention of its own "
                      "heads only)");
}

TEST(CaptionRanks, ReportAnErrorOfTheRunOnce) {
  const TemporaryFolder folder;
  std::filesystem::copy(kModel, folder / "model");
  folder.write("model/generation_config.json", R"({"num_beams": 2})");
  const auto model = (folder / "model").string();
  expect_one_sentence(run_process(command({"--quiet", "--nproc=2", "--stream", kBefore, kAfter}, model)),
                      "on_token: expected no beam search, got 2 beams");
}

/// Returns what runs `command` as a rank of two, in `folder`.
std::vector<std::string> rank(int rank, int port, const std::vector<std::string>& command,
                              const std::string& folder = "/") {
  std::vector<std::string> all{"/usr/bin/env",
                               "--chdir=" + folder,
                               fmt::format("RANK={}", rank),
                               "WORLD_SIZE=2",
                               fmt::format("LOCAL_RANK={}", rank),
                               "MASTER_ADDR=127.0.0.1",
                               fmt::format("MASTER_PORT={}", port)};
  all.insert(all.end(), command.begin(), command.end());
  return all;
}

/// Expects the sentence from rank 0 and nothing from rank 1, in whose folder `model` is missing.
void expect_of_the_first(const std::vector<std::string>& input, const std::string& sentence) {
  const TemporaryFolder with_model, without;
  std::filesystem::create_directory_symlink(kModel, with_model / "model");
  const auto arguments = command(input, "model");
  const int port = free_port();
  Process first(rank(0, port, arguments, with_model.path().string()));
  Process second(rank(1, port, arguments, without.path().string()));
  expect_one_sentence(first.wait(), sentence);
  const auto other = second.wait();
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_EQ(other.err, "");
}

TEST(CaptionRanks, AnErrorBeforeTheModelDoesNotWaitForItOnOtherRanks) {
  expect_of_the_first({"--quiet", "--pairs", "/none.csv"},
                      "/none.csv: cannot be opened (No such file or directory)");
}

TEST(CaptionRanks, TheFirstReportsAModelThatAnotherLacks) {
  expect_of_the_first({"--quiet", kBefore, kAfter},
                      "rank 1: model: expected a checkpoint folder, got nothing there");
}

TEST(CaptionRanks, MustHaveTheSameArguments) {
  const int port = free_port();
  Process first(rank(0, port, command({"--quiet", "--beams=1", kBefore, kAfter})));
  Process second(rank(1, port, command({"--quiet", "--beams=2", kBefore, kAfter})));
  for (auto* process : {&first, &second}) {
    const auto result = process->wait();
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err, StartsWith("ccexpert-caption: rank 1: expected '--model "));
    EXPECT_THAT(result.err, HasSubstr("as on rank 0, got '--model "));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }
}

/// Returns the process of a rank among the children of a launcher, or 0.
pid_t process_of_rank(pid_t launcher, int rank) {
  const auto wanted = fmt::format("RANK={}", rank);
  for (const pid_t child : children_of(launcher)) {
    std::istringstream variables(content(fmt::format("/proc/{}/environ", child)));
    for (std::string variable; std::getline(variables, variable, '\0');) {
      if (variable == wanted) return child;
    }
  }
  return 0;
}

TEST(CaptionRanks, EndIfOneDies) {
  const TemporaryFolder folder;
  const auto output = (folder / "captions.jsonl").string();
  Process process(command({"--nproc=2", "--pairs", write_list(folder, 5000), "--format=jsonl", "--output",
                           output, "--batch-size=1"}));
  ASSERT_TRUE(happens_within(milliseconds(30'000), [&] { return content(output).size() > 10; }));
  const pid_t second = process_of_rank(process.id(), 1);
  ASSERT_GT(second, 0);
  ::kill(second, SIGKILL);
  const auto result = process.wait();
  EXPECT_EQ(result.exit_code, 128 + SIGKILL);
  EXPECT_THAT(result.err, HasSubstr("rank 1 was ended by signal 9"));
  EXPECT_THAT(result.err, HasSubstr("rank 1 shows no sign of life"));
}

TEST(CaptionRanks, LeaveTheReportOfADeadFirstToTheLauncher) {
  const TemporaryFolder folder;
  const auto output = (folder / "captions.jsonl").string();
  Process process(command({"--nproc=2", "--quiet", "--pairs", write_list(folder, 5000), "--format=jsonl",
                           "--output", output, "--batch-size=1"}));
  ASSERT_TRUE(happens_within(milliseconds(30'000), [&] { return content(output).size() > 10; }));
  const pid_t first = process_of_rank(process.id(), 0);
  ASSERT_GT(first, 0);
  ::kill(first, SIGKILL);
  const auto result = process.wait();
  EXPECT_EQ(result.exit_code, 128 + SIGKILL);
  EXPECT_EQ(result.err, "ccexpert error: rank 0 was ended by signal 9 (Killed)\n");
}

TEST(CaptionRanks, StopOnASignal) {
  const TemporaryFolder folder;
  const auto output = (folder / "captions.jsonl").string();
  Process process(command({"--nproc=2", "--pairs", write_list(folder, 5000), "--format=jsonl", "--output",
                           output, "--batch-size=1"}));
  ASSERT_TRUE(happens_within(milliseconds(30'000), [&] { return content(output).size() > 10; }));
  process.signal(SIGTERM);
  const auto result = process.wait();
  EXPECT_EQ(result.exit_code, 128 + SIGTERM);
  EXPECT_THAT(result.err, HasSubstr("--resume continues from there"));
  EXPECT_FALSE(captions_in(output).empty());
}

}  // namespace
}  // namespace ccexpert::test
