// Failing disks, servers and lists: paid answers are kept and secrets are not shown.
#include <algorithm>
#include <atomic>

#include <sys/wait.h>
#include <unistd.h>

#include "datasets/chat/annotate_fixture.h"
#include "support/files.h"
#include "support/full_disk.h"

namespace ccexpert::datasets {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

/// Body of an answer, which tests change.
nlohmann::json good_body() {
  httplib::Response response;
  ChatServer::answer(response, kGood);
  return nlohmann::json::parse(response.body);
}

class AnnotationFaults : public Annotation {
 protected:
  /// Annotates one pair with a server that sends `body` with `status`.
  AnnotateSummary summary_of(const nlohmann::json& body, int status = 200) const {
    const ChatServer server([&](const auto& /*request*/, auto& response) {
      response.status = status;
      response.set_content(body.dump(), "application/json");
    });
    auto asked = options(server, changed(1));
    asked.overwrite = true;
    asked.endpoint.retries = 0;
    fs::remove(folder_ / kJournal);
    return annotate(asked);
  }
  fs::path equal(int count) const {
    std::vector<std::string> entries;
    for (int i = 0; i < count; ++i) entries.push_back(entry(fmt::format("p{}", i), 1, {"a house"}));
    return lines("list.jsonl", entries);
  }
  static AnnotateOptions priced(AnnotateOptions options, double of_request) {
    options.endpoint.price_in = 1e4 * of_request;  // a request has 100 prompt tokens
    options.endpoint.max_tokens = 1;
    options.overwrite = true;
    return options;
  }

  static constexpr const char* kJournal = "out.jsonl.journal.jsonl";
};

TEST_F(AnnotationFaults, AJournalThatCannotBeWrittenEndsTheRun) {
  const ChatServer server(answer_well);
  auto asked = options(server, changed(60));
  asked.endpoint.concurrency = 1;
  std::string message;
  {
    const test::FullDisk disk(4096);
    message = error_of([&] { annotate(asked); });
  }
  EXPECT_THAT(message, HasSubstr("out.jsonl.journal.jsonl: cannot be written: File too large"));
  EXPECT_FALSE(fs::exists(folder_ / "out.jsonl"));
  const auto journaled = entries_of(kJournal).size();
  EXPECT_GT(journaled, 5U);
  EXPECT_EQ(server.requests().size(), journaled + 1);
  EXPECT_TRUE(test::content(folder_ / kJournal).ends_with("}\n"));
  const auto summary = annotate(asked);
  EXPECT_EQ(summary.requests, static_cast<int64_t>(60 - journaled));
  EXPECT_EQ(summary.annotated, 60);
}

TEST_F(AnnotationFaults, AJournalThatCannotBeWrittenEndsConversationsToo) {
  const ChatServer server([](const auto& /*request*/, auto& response) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ChatServer::answer(response, "Sorry.");
  });
  auto asked = options(server, changed(12));
  asked.endpoint.concurrency = 4;
  asked.attempts = 20;
  std::string message;
  {
    const test::FullDisk disk(1);
    message = error_of([&] { annotate(asked); });
  }
  EXPECT_THAT(message, HasSubstr("cannot be written"));
  EXPECT_LE(server.requests().size(), 4U);
}

TEST_F(AnnotationFaults, ALineThatWasJoinedToATornOneIsRead) {
  const ChatServer server(answer_well);
  auto asked = options(server, changed(2));
  asked.overwrite = true;
  asked.endpoint.concurrency = 1;
  annotate(asked);
  const auto journal = test::content(folder_ / kJournal);
  const auto second = journal.find('\n') + 1;
  folder_.write(kJournal, journal.substr(0, second) + journal.substr(0, 70) + journal.substr(second));
  const auto summary = annotate(asked);
  EXPECT_EQ(summary.from_journal, 2);
  EXPECT_EQ(summary.requests, 0);
}

TEST_F(AnnotationFaults, AFileThatIsNoJournalStaysAsItIs) {
  const ChatServer server(answer_well);
  auto asked = options(server, changed(1));
  asked.journal = folder_.write("notes.txt", "bread, milk");
  EXPECT_THAT(error_of([&] { annotate(asked); }), HasSubstr("notes.txt: line 1: expected an answer"));
  EXPECT_EQ(test::content(folder_ / "notes.txt"), "bread, milk");
}

TEST_F(AnnotationFaults, EqualRequestsArePaidForOnce) {
  const ChatServer server([](const auto& /*request*/, auto& response) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ChatServer::answer(response, kGood);
  });
  auto asked = options(server, equal(20));
  asked.endpoint.concurrency = 8;
  const auto summary = annotate(asked);
  EXPECT_EQ(server.requests().size(), 1U);
  EXPECT_EQ(summary.requests, 1);
  EXPECT_EQ(summary.from_journal, 19);
  EXPECT_EQ(summary.annotated, 20);
}

TEST_F(AnnotationFaults, OneRefusedOfEqualRequestsLeavesTheOthersToAsk) {
  std::atomic<int> count = 0;
  const ChatServer server([&](const auto& /*request*/, auto& response) {
    if (count++ == 0) return ChatServer::refuse(response, 400, "not now");
    ChatServer::answer(response, kGood);
  });
  auto asked = options(server, equal(4));
  asked.endpoint.concurrency = 4;
  const auto summary = annotate(asked);
  EXPECT_EQ(summary.failed, 1);
  EXPECT_EQ(summary.annotated, 3);
  EXPECT_EQ(summary.requests, 1);
}

TEST_F(AnnotationFaults, AnswersOfManyFormsAreTaken) {
  auto body = good_body();
  EXPECT_EQ(summary_of(body, 201).annotated, 1);
  body["usage"] = {{"prompt_tokens", 100.0}, {"completion_tokens", 10.0}};
  const auto with_fractions = summary_of(body);
  EXPECT_EQ(with_fractions.annotated, 1);
  EXPECT_EQ(with_fractions.prompt_tokens, 100);
  for (const auto& usage : {R"({"prompt_tokens": null})", R"({"prompt_tokens": "many"})", "[]", "null"}) {
    body["usage"] = nlohmann::json::parse(usage);
    const auto summary = summary_of(body);
    EXPECT_EQ(summary.annotated, 1) << usage;
    EXPECT_GT(summary.prompt_tokens, 50) << usage;  // estimated
  }
  body["choices"][0]["finish_reason"] = 7;
  EXPECT_EQ(summary_of(body).annotated, 1);
  const std::string text = kGood;
  body["choices"][0]["message"]["content"] = {{{"type", "text"}, {"text", text.substr(0, 9)}},
                                              {{"type", "image"}},
                                              {{"type", "text"}, {"text", text.substr(9)}}};
  EXPECT_EQ(summary_of(body).annotated, 1);
}

TEST_F(AnnotationFaults, AnAnswerThatWasCutShortIsAskedForAgain) {
  std::atomic<int> count = 0;
  const ChatServer server([&](const auto& /*request*/, auto& response) {
    if (count++ < 2) return response.set_content("{\"choices\":[{\"mess", "application/json");
    ChatServer::answer(response, kGood);
  });
  auto asked = options(server, changed(1));
  const auto summary = annotate(asked);
  EXPECT_EQ(summary.annotated, 1);
  EXPECT_EQ(summary.retries, 2);
  count = -100;
  asked.overwrite = true;
  asked.endpoint.retries = 1;
  asked.endpoint.temperature = 0.2;
  EXPECT_EQ(annotate(asked).failed, 1);
  EXPECT_THAT(
      entries_of("out.jsonl.failures.jsonl")[0]["problem"].get<std::string>(),
      HasSubstr(": answer: expected choices with a message, got '{\"choices\":[{\"mess' (status 200)"));
}

TEST_F(AnnotationFaults, TheKeyIsNeitherWrittenNorShown) {
  int status = 400;
  const ChatServer server([&](const auto& /*request*/, auto& response) {
    ChatServer::refuse(response, status, std::string(270, '.') + " wrong key: Bearer sk-0123456789abcdef");
  });
  auto asked = options(server, changed(1));
  asked.endpoint.key = "sk-0123456789abcdef";
  EXPECT_EQ(annotate(asked).failed, 1);
  const auto failures = test::content(folder_ / "out.jsonl.failures.jsonl");
  EXPECT_THAT(failures, HasSubstr("status 400: .."));
  EXPECT_THAT(failures, Not(HasSubstr("sk-0")));
  status = 401;
  asked.overwrite = true;
  const auto message = error_of([&] { annotate(asked); });
  EXPECT_THAT(message, HasSubstr("status 401: .."));
  EXPECT_THAT(message, Not(HasSubstr("sk-0")));
}

TEST_F(AnnotationFaults, AKeyThatAGoodAnswerHoldsIsNotWritten) {
  // Unchanged, with JSON escapes within the answer's own JSON, and truncated.
  const ChatServer server([](const auto& /*request*/, auto& response) {
    ChatServer::answer(
        response,
        R"(["a house of sk-0123456789abcdef stands.", "a house of \u0073k-0123456789ab is built."])");
  });
  auto asked = options(server, changed(1));
  asked.endpoint.key = "sk-0123456789abcdef";
  EXPECT_EQ(annotate(asked).annotated, 1);
  EXPECT_EQ(written()[0]["change_caption"],
            (nlohmann::json{"a house of *** stands.", "a house of *** is built."}));
  const auto journal = folder_ / "out.jsonl.journal.jsonl";
  EXPECT_THAT(test::content(journal), Not(HasSubstr("0123456789")));
  // A journal of an older version may contain the key.
  auto line = entries_of("out.jsonl.journal.jsonl")[0];
  line["answer"] = R"(["a house of sk-0123456789abcdef stands.", "a second house is built."])";
  std::ofstream(journal)
      << nlohmann::ordered_json{{"request", line["request"]}, {"answer", line["answer"]}}.dump() << "\n";
  asked.overwrite = true;
  EXPECT_EQ(annotate(asked).from_journal, 1);
  EXPECT_EQ(written()[0]["change_caption"][0], "a house of *** stands.");
}

TEST_F(AnnotationFaults, DeepAnswersAreNoAnswers) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  bool whole = true;
  const ChatServer server([&](const auto& /*request*/, auto& response) {
    if (whole) {
      response.set_content("{\"error\": " + deep + ", \"choices\": " + deep + "}", "application/json");
    } else {
      ChatServer::answer(response, "[\"a\", " + deep + "] or rather " + kGood);
    }
  });
  auto asked = options(server, changed(1));
  asked.endpoint.retries = 0;
  EXPECT_EQ(annotate(asked).failed, 1);
  EXPECT_THAT(entries_of("out.jsonl.failures.jsonl")[0]["problem"].get<std::string>(),
              HasSubstr("answer: expected choices with a message"));
  whole = false;
  asked.overwrite = true;
  EXPECT_EQ(annotate(asked).annotated, 1);
}

TEST_F(AnnotationFaults, APasswordInTheAddressIsNotShown) {
  const auto list = changed(1);
  const ChatServer server(answer_well);
  auto asked = options(server, list);
  asked.endpoint.base_url = "http://someone:password@127.0.0.1:1/v1";
  asked.endpoint.retries = 0;
  const auto message = error_of([&] { annotate(asked); });
  EXPECT_THAT(message, HasSubstr("http://***@127.0.0.1:1/v1"));
  EXPECT_THAT(message, Not(HasSubstr("password")));
  EXPECT_THAT(annotate_plan(asked), Not(HasSubstr("password")));
}

TEST_F(AnnotationFaults, MaxCostHoldsForAllRunsTogether) {
  const ChatServer server([](const auto& /*request*/, auto& response) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ChatServer::answer(response, kGood);
  });
  auto asked = priced(options(server, changed(40)), 0.125);
  asked.endpoint.concurrency = 8;
  asked.max_cost = 1.0;
  const auto first = annotate(asked);
  EXPECT_TRUE(first.limit_reached);
  const auto paid = server.requests().size();
  EXPECT_LE(paid, 8U);
  EXPECT_GE(paid, 6U);
  EXPECT_LE(first.cost, 1.0);
  for (int run = 0; run < 3; ++run) {
    const auto again = annotate(asked);
    EXPECT_EQ(again.requests, 0);
    EXPECT_TRUE(again.limit_reached);
    EXPECT_DOUBLE_EQ(again.cost, first.cost);
    EXPECT_DOUBLE_EQ(again.earlier_cost, first.cost);
  }
  EXPECT_EQ(server.requests().size(), paid);
}

TEST_F(AnnotationFaults, EarlierAnswersOfLaterPairsCountBeforeTheFirstIsAsked) {
  const ChatServer server(answer_well);
  auto asked = priced(options(server, changed(3)), 1.0);
  annotate(asked);
  // Two new pairs come before the paid ones.
  auto entries = std::vector<std::string>{entry("n0", 1, {"a road"}), entry("n1", 1, {"a pond"})};
  for (int i = 0; i < 3; ++i)
    entries.push_back(entry(fmt::format("p{}", i), 1, {fmt::format("house {}", i)}));
  lines("list.jsonl", entries);
  asked.max_cost = 3.5;
  const auto summary = annotate(asked);
  EXPECT_EQ(summary.requests, 0);
  EXPECT_EQ(summary.annotated, 3);
  EXPECT_EQ(summary.unasked, 2);
}

TEST_F(AnnotationFaults, TheAccountHoldsWhatEarlierRunsPaid) {
  const ChatServer server(answer_well);
  auto asked = priced(options(server, changed(5)), 1.0);
  asked.limit = 3;
  const auto first = annotate(asked);
  EXPECT_DOUBLE_EQ(first.cost, 3.0);
  EXPECT_DOUBLE_EQ(first.earlier_cost, 0.0);
  EXPECT_FALSE(first.limit_reached);
  asked.limit = 0;
  const auto second = annotate(asked);
  EXPECT_EQ(second.requests, 2);
  EXPECT_EQ(second.prompt_tokens, 500);
  EXPECT_EQ(second.answer_tokens, 50);
  EXPECT_EQ(second.earlier_tokens, 330);
  EXPECT_DOUBLE_EQ(second.cost, 5.0);
  EXPECT_DOUBLE_EQ(second.earlier_cost, 3.0);
}

TEST_F(AnnotationFaults, LeftoversOfDeadProcessesAreRemoved) {
  const auto dead = ::fork();
  if (dead == 0) ::_exit(0);
  ::waitpid(dead, nullptr, 0);
  const auto of_dead = fmt::format("out.jsonl.tmp{}", dead);
  const auto failures = fmt::format("out.jsonl.failures.jsonl.tmp{}", dead);
  const auto of_living = fmt::format("out.jsonl.tmp{}", ::getppid());
  for (const auto& name : {of_dead, failures, of_living, std::string("out.jsonl.tmp1x")})
    folder_.write(name, "[");
  const ChatServer server(answer_well);
  annotate(options(server, changed(1)));
  EXPECT_FALSE(fs::exists(folder_ / of_dead));
  EXPECT_FALSE(fs::exists(folder_ / failures));
  EXPECT_TRUE(fs::exists(folder_ / of_living));
  EXPECT_TRUE(fs::exists(folder_ / "out.jsonl.tmp1x"));
}

TEST_F(AnnotationFaults, EntriesThatAreNoPairGoToTheFailures) {
  const ChatServer server(answer_well);
  const auto good = entry("p0", 1, {"a house"});
  auto asked =
      options(server, folder_.write("list.json", "[" + good + ", 5, {\"uid\": \"x\"}, " + good + "]"));
  asked.limit = 1;
  const auto summary = annotate(asked);
  EXPECT_EQ(summary.pairs, 2);
  EXPECT_EQ(summary.no_pairs, 2);
  EXPECT_EQ(summary.annotated, 1);
  EXPECT_EQ(summary.unasked, 1);
  ASSERT_EQ(written().size(), 2U);
  EXPECT_EQ(written()[1]["uid"], "p0");
  const auto failures = entries_of("out.jsonl.failures.jsonl");
  ASSERT_EQ(failures.size(), 2U);
  EXPECT_THAT(failures[0]["where"].get<std::string>(), HasSubstr("list.json: entry 2"));
  EXPECT_THAT(failures[0]["problem"].get<std::string>(),
              HasSubstr("list.json: entry 2: expected an object, got 5"));
  asked.on_error = OnError::kError;
  asked.overwrite = true;
  EXPECT_THAT(error_of([&] { annotate(asked); }), HasSubstr("list.json: entry 2: expected an object"));
  asked.on_error = OnError::kSkip;
  EXPECT_THAT(annotate_plan(asked), HasSubstr("1 pairs, at least 1 requests"));
}

TEST_F(AnnotationFaults, LinesThatAreNoJsonGoToTheFailures) {
  const ChatServer server(answer_well);
  auto asked = options(server, lines("list.jsonl", {entry("p0", 1, {"a house"}), "{\"uid\": "}));
  const auto summary = annotate(asked);
  EXPECT_EQ(summary.annotated, 1);
  EXPECT_EQ(summary.no_pairs, 1);
  EXPECT_THAT(entries_of("out.jsonl.failures.jsonl")[0]["problem"].get<std::string>(),
              HasSubstr("list.jsonl: line 2: expected JSON"));
}

TEST_F(AnnotationFaults, FailuresOfAnEarlierRunDoNotStay) {
  std::atomic<bool> bad = true;
  const ChatServer server([&](const auto& /*request*/, auto& response) {
    if (bad) return ChatServer::refuse(response, 400, "no");
    ChatServer::answer(response, kGood);
  });
  auto asked = options(server, changed(1));
  asked.overwrite = true;
  annotate(asked);
  EXPECT_TRUE(fs::exists(folder_ / "out.jsonl.failures.jsonl"));
  bad = false;
  annotate(asked);
  EXPECT_FALSE(fs::exists(folder_ / "out.jsonl.failures.jsonl"));
}

TEST_F(AnnotationFaults, AServerThatIsClosedForLongEndsTheRun) {
  const ChatServer server([](const auto& /*request*/, auto& response) {
    response.set_header("Retry-After", "86400");
    ChatServer::refuse(response, 429, "quota");
  });
  EXPECT_EQ(error_of([&] { annotate(options(server, changed(1))); }),
            server.url() +
                ": Retry-After: expected at most 120 seconds, got 86400 (status 429: quota; the same "
                "command continues from the journal)");
}

TEST_F(AnnotationFaults, ListsMayBeNamedWithoutTheirFolder) {
  const ChatServer server(answer_well);
  changed(1);
  auto asked = options(server, "list.jsonl");
  asked.output = "out.jsonl";
  const auto before = fs::current_path();
  fs::current_path(folder_.path());
  const auto message = error_of([&] { annotate(asked); });
  fs::current_path(before);
  EXPECT_EQ(message, "no error");
  ASSERT_EQ(written().size(), 1U);
  EXPECT_EQ(written()[0]["img1_path"], "A/p0.png");
}

TEST_F(AnnotationFaults, FoldersAreMade) {
  const ChatServer server(answer_well);
  auto asked = options(server, changed(1));
  asked.output = folder_ / "new/folder/out.jsonl";
  asked.journal = folder_ / "journals/of/mine.jsonl";
  EXPECT_EQ(annotate(asked).annotated, 1);
  EXPECT_TRUE(fs::exists(asked.output));
  EXPECT_TRUE(fs::exists(asked.journal));
  asked.output = folder_.write("file", "") / "out.jsonl";
  EXPECT_THAT(error_of([&] { annotate(asked); }), HasSubstr("file: expected a folder, got a file"));
}

}  // namespace
}  // namespace ccexpert::datasets
