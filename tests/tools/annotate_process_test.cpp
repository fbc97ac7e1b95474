// Process tests of ccexpert-data annotate, including kills.
#include <atomic>
#include <chrono>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "datasets/chat/chat_server.h"
#include "support/files.h"
#include "support/temporary_folder.h"
#include "tools/process.h"

namespace ccexpert::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kPairs = 48;

/// Returns the first number of a text.
int number_in(const std::string& text) {
  return std::stoi(text.substr(text.find_first_of("0123456789")));
}

/// Server that answers by the requested house and records the requests of each run.
class Houses {
 public:
  ChatServer::Reply reply() {
    return [this](const nlohmann::json& request, httplib::Response& response) {
      const int now = run;
      const auto text = request["messages"][1]["content"].get<std::string>();
      const int house = number_in(text.substr(text.find("house")));
      const auto count = note(now, house);
      std::this_thread::sleep_for(std::chrono::milliseconds(15));
      // A run that will be killed must not finish first.
      while (count > most && run == now) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      ChatServer::answer(response,
                         fmt::format(R"(["House {} is new.", "House {} was built."])", house, house));
    };
  }
  std::vector<int> asked_by(int number) const {
    const std::lock_guard lock(mutex_);
    const auto found = asked_.find(number);
    return found == asked_.end() ? std::vector<int>() : found->second;
  }
  size_t asked() const {
    const std::lock_guard lock(mutex_);
    size_t count = 0;
    for (const auto& [number, houses] : asked_) count += houses.size();
    return count;
  }

  std::atomic<int> run = 0;
  std::atomic<size_t> most = kPairs;  ///< answers per run; further ones wait for the next run

 private:
  size_t note(int number, int house) {
    const std::lock_guard lock(mutex_);
    asked_[number].push_back(house);
    return asked_[number].size();
  }

  mutable std::mutex mutex_;
  std::map<int, std::vector<int>> asked_;
};

class AnnotateProcess : public ::testing::Test {
 protected:
  AnnotateProcess() {
    std::string text;
    for (int i = 0; i < kPairs; ++i) {
      text += nlohmann::json{{"uid", fmt::format("p{}", i)},
                             {"img1_path", fmt::format("A/{}.png", i)},
                             {"img2_path", fmt::format("B/{}.png", i)},
                             {"change_flag", 1},
                             {"change_caption", {fmt::format("house {}", i)}}}
                  .dump() +
              "\n";
    }
    list_ = folder_.write("list.jsonl", text);
  }
  std::vector<std::string> command(const ChatServer& server, std::vector<std::string> more = {}) const {
    std::vector<std::string> words{CCEXPERT_DATA,
                                   "annotate",
                                   list_.string(),
                                   "-o",
                                   (folder_ / "new/out.json").string(),
                                   "--base-url",
                                   server.url(),
                                   "--model",
                                   "small",
                                   "--captions",
                                   "2",
                                   "--backoff",
                                   "0.01",
                                   "--concurrency",
                                   "4"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  /// Returns the houses in complete lines of the journal.
  std::multiset<int> journaled() const {
    std::multiset<int> houses;
    std::ifstream stream(folder_ / "new/out.json.journal.jsonl");
    for (std::string line; std::getline(stream, line) && !stream.eof();)
      houses.insert(number_in(nlohmann::json::parse(line)["answer"].get<std::string>()));
    return houses;
  }
  std::vector<std::string> leftovers() const {
    std::vector<std::string> names;
    for (const auto& each : fs::directory_iterator(folder_ / "new")) {
      if (each.path().string().find(".tmp") != std::string::npos) names.push_back(each.path().string());
    }
    return names;
  }

  TemporaryFolder folder_;
  fs::path list_;
};

TEST_F(AnnotateProcess, AKilledRunGoesOnAndPaysForNoAnswerAgain) {
  Houses houses;
  const ChatServer server(houses.reply());
  constexpr int kKills = 4;
  std::vector<std::multiset<int>> before(kKills + 1);
  houses.most = 11;
  for (; houses.run < kKills; ++houses.run) {
    const auto enough = houses.asked() + 6;
    Process process(command(server));
    while (houses.asked() < enough) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    // Kill at a different point of a request each time.
    std::this_thread::sleep_for(std::chrono::milliseconds(4 * houses.run));
    process.signal(SIGKILL);
    EXPECT_EQ(process.wait().exit_code, 128 + SIGKILL);
    before[static_cast<size_t>(houses.run) + 1] = journaled();
    EXPECT_FALSE(fs::exists(folder_ / "new/out.json"));
  }
  houses.most = kPairs;
  const auto last = run_process(command(server));
  ASSERT_EQ(last.exit_code, 0) << last.err;
  EXPECT_THAT(last.out, HasSubstr("48 of 48 pairs annotated"));
  EXPECT_THAT(last.out, HasSubstr("earlier runs: "));
  for (int run = 1; run <= kKills; ++run) {
    EXPECT_FALSE(before[static_cast<size_t>(run)].empty()) << run;
    for (const int house : houses.asked_by(run))
      EXPECT_EQ(before[static_cast<size_t>(run)].count(house), 0U) << "run " << run << ", house " << house;
  }
  // Only answers in flight to a killed run may be lost.
  EXPECT_LE(houses.asked(), static_cast<size_t>(kPairs + kKills * 4));
  const auto answers = journaled();
  EXPECT_EQ(answers.size(), static_cast<size_t>(kPairs));
  EXPECT_EQ(std::set<int>(answers.begin(), answers.end()).size(), static_cast<size_t>(kPairs));
  const auto entries = nlohmann::json::parse(content(folder_ / "new/out.json"));
  ASSERT_EQ(entries.size(), static_cast<size_t>(kPairs));
  for (int i = 0; i < kPairs; ++i)
    EXPECT_EQ(entries[static_cast<size_t>(i)]["change_caption"][0], fmt::format("House {} is new.", i));
  EXPECT_THAT(leftovers(), IsEmpty());
  const auto asked = houses.asked();
  EXPECT_EQ(run_process(command(server, {"--overwrite"})).exit_code, 0);
  EXPECT_EQ(houses.asked(), asked);
}

TEST_F(AnnotateProcess, ALimitOfMoneyIsSaidAndHasItsExitCode) {
  Houses houses;
  const ChatServer server(houses.reply());
  // An answer costs 1.
  const auto limited = command(server, {"--price-in", "10000", "--max-tokens", "1", "--max-cost", "5"});
  const auto result = run_process(limited);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("--max-cost: 43 pairs not requested"));
  EXPECT_THAT(result.out, HasSubstr("cost 5.0000"));
  EXPECT_EQ(houses.asked(), 5U);
}

}  // namespace
}  // namespace ccexpert::test
