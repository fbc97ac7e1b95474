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

std::vector<std::string> command(const std::vector<std::string>& arguments) {
  std::vector<std::string> all{CCEXPERT_CAPTION, "--model", kModel, "--device=cpu", "--threads=1"};
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

TEST(CaptionRanks, EndWithTheCodeOfTheFirst) {
  const auto result = caption({"--nproc=2", "--pairs", "/none.csv"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("/none.csv"));
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
}

TEST(CaptionRanks, MustBeAbleToShareTheHeads) {
  const auto result = caption({"--nproc=3", kBefore, kAfter});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("tensor parallelism: expected a number of ranks that divides 4 attention "
                                    "heads, got 3\n"));
}

std::vector<std::string> rank(int rank, int port, const std::vector<std::string>& arguments) {
  std::vector<std::string> all{"/usr/bin/env",          fmt::format("RANK={}", rank),
                               "WORLD_SIZE=2",          fmt::format("LOCAL_RANK={}", rank),
                               "MASTER_ADDR=127.0.0.1", fmt::format("MASTER_PORT={}", port)};
  const auto own = command(arguments);
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

TEST(CaptionRanks, MustHaveTheSameArguments) {
  const int port = free_port();
  Process first(rank(0, port, {"--beams=1", kBefore, kAfter}));
  Process second(rank(1, port, {"--beams=2", kBefore, kAfter}));
  for (auto* process : {&first, &second}) {
    const auto result = process->wait();
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err, StartsWith("ccexpert-caption: rank 1: expected '--model "));
    EXPECT_THAT(result.err, HasSubstr("as on rank 0, got '--model "));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }
}

TEST(CaptionRanks, EndIfOneDies) {
  const TemporaryFolder folder;
  const auto output = (folder / "captions.jsonl").string();
  Process process(command({"--nproc=2", "--pairs", write_list(folder, 5000), "--format=jsonl", "--output",
                           output, "--batch-size=1"}));
  ASSERT_TRUE(happens_within(milliseconds(30'000), [&] { return content(output).size() > 10; }));
  const auto ranks = children_of(process.id());
  ASSERT_EQ(ranks.size(), 2U);
  ::kill(ranks[1], SIGKILL);
  const auto result = process.wait();
  EXPECT_EQ(result.exit_code, 128 + SIGKILL);
  EXPECT_THAT(result.err, HasSubstr("rank 1 was ended by signal 9"));
  EXPECT_THAT(result.err, HasSubstr("rank 1 shows no sign of life"));
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
