// Fixture that annotates small lists through a local server.
#pragma once

#include <string>
#include <vector>

#include "datasets/chat/chat_server.h"
#include "datasets/lists/list_fixture.h"
#include "datasets/shared/annotate.h"

namespace ccexpert::datasets {

using test::ChatServer;

/// Two captions of a change, as an answer.
inline constexpr const char* kGood = R"(["a new house stands on the left.", "one house was built."])";

inline void answer_well(const nlohmann::json& /*request*/, httplib::Response& response) {
  ChatServer::answer(response, kGood);
}

class Annotation : public Lists {
 protected:
  AnnotateOptions options(const ChatServer& server, const fs::path& list) const {
    return {.list = list,
            .output = folder_ / "out.jsonl",
            .endpoint = {.base_url = server.url(),
                         .model = "small",
                         .key = "secret",
                         .concurrency = 3,
                         .backoff_seconds = 0.01},
            .captions = 2};
  }
  fs::path changed(int count) const {
    std::vector<std::string> entries;
    for (int i = 0; i < count; ++i)
      entries.push_back(entry(fmt::format("p{}", i), 1, {fmt::format("house {}", i)}));
    return lines("list.jsonl", entries);
  }
  std::vector<nlohmann::json> written() const { return entries_of("out.jsonl"); }
  std::vector<nlohmann::json> entries_of(const std::string& name) const {
    std::vector<nlohmann::json> entries;
    std::ifstream stream(folder_ / name);
    for (std::string line; std::getline(stream, line);) entries.push_back(nlohmann::json::parse(line));
    return entries;
  }
};

}  // namespace ccexpert::datasets
