#include "datasets/shared/annotate.h"

#include <atomic>

#include <ccexpert/data/change_dataset.h>

#include "datasets/chat/annotate_fixture.h"
#include "datasets/chat/chat_task.h"

namespace ccexpert::datasets {
namespace {

TEST_F(Annotation, WritesNewCaptionsInTheListsOrder) {
  const ChatServer server(
      [](const auto& /*request*/, auto& response) { ChatServer::answer(response, kGood); });
  auto asked = options(server, changed(7));
  asked.endpoint.price_in = 10;
  asked.endpoint.price_out = 100;
  const auto summary = annotate(asked);
  EXPECT_EQ(summary.annotated, 7);
  EXPECT_EQ(summary.requests, 7);
  EXPECT_EQ(summary.prompt_tokens, 700);
  EXPECT_EQ(summary.answer_tokens, 70);
  EXPECT_NEAR(summary.cost, 700 * 10e-6 + 70 * 100e-6, 1e-12);
  EXPECT_EQ(server.authorization(), "Bearer secret");
  const auto entries = written();
  ASSERT_EQ(entries.size(), 7U);
  for (size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(entries[i]["uid"], fmt::format("p{}", i));
    EXPECT_EQ(entries[i]["change_caption"], nlohmann::json::parse(kGood));
    EXPECT_EQ(entries[i]["original_caption"][0], fmt::format("house {}", i));
    EXPECT_EQ(entries[i]["caption_source"], "model");
    EXPECT_EQ(entries[i]["annotator"]["model"], "small");
  }
  EXPECT_EQ(data::read_change_dataset(folder_ / "out.jsonl").size(), 7U);
  const auto text = server.requests()[0]["messages"][1]["content"].get<std::string>();
  EXPECT_THAT(text, HasSubstr("Captions of the pair:\n1. house"));
  EXPECT_THAT(text, HasSubstr("known to have changed"));
}

TEST_F(Annotation, RefusalsThatPassAreWaitedOutAsTheServerSays) {
  std::atomic<int> count = 0;
  const ChatServer server([&](const auto& /*request*/, auto& response) {
    const int number = count++;
    if (number == 0) {
      response.set_header("Retry-After", "1");
      return ChatServer::refuse(response, 429, "slowly");
    }
    if (number == 1) return ChatServer::refuse(response, 503, "busy");
    ChatServer::answer(response, kGood);
  });
  const auto start = std::chrono::steady_clock::now();
  const auto summary = annotate(options(server, changed(1)));
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
  EXPECT_EQ(summary.retries, 2);
  EXPECT_EQ(summary.requests, 1);
  EXPECT_EQ(summary.annotated, 1);
}

TEST_F(Annotation, UnusableAnswersAreAskedForAgainWithTheReason) {
  const ChatServer server([](const auto& request, auto& response) {
    ChatServer::answer(response, request["messages"].size() == 2 ? "[\"only one caption\"]" : kGood);
  });
  const auto summary = annotate(options(server, changed(1)));
  EXPECT_EQ(summary.annotated, 1);
  EXPECT_EQ(summary.requests, 2);
  EXPECT_THAT(server.requests()[1]["messages"][3]["content"].get<std::string>(),
              HasSubstr("the array has 1 elements, not 2"));
}

TEST_F(Annotation, PairsThatAreGivenUpKeepTheirCaptionsAndAreListed) {
  const ChatServer server([](const auto& request, auto& response) {
    const bool bad =
        request["messages"][1]["content"].template get<std::string>().find("house 1") != std::string::npos;
    ChatServer::answer(response, bad ? "Sorry." : kGood);
  });
  auto asked = options(server, changed(3));
  const auto summary = annotate(asked);
  EXPECT_EQ(summary.annotated, 2);
  EXPECT_EQ(summary.failed, 1);
  EXPECT_EQ(written()[1]["change_caption"][0], "house 1");
  EXPECT_FALSE(written()[1].contains("annotator"));
  const auto failure = parsed(folder_ / "out.jsonl.failures.jsonl");
  EXPECT_THAT(failure["where"].get<std::string>(), HasSubstr("list.jsonl: line 2"));
  EXPECT_THAT(failure["problem"].get<std::string>(),
              HasSubstr("none of 3 was usable; problem of the last: there is no JSON array"));
  asked.on_error = OnError::kError;
  asked.overwrite = true;
  EXPECT_THAT(error_of([&] { annotate(asked); }), HasSubstr("line 2: answer: none of 3 was usable"));
}

TEST_F(Annotation, NoAnswerIsPaidForTwice) {
  std::atomic<int> count = 0;
  const ChatServer server([&](const auto& /*request*/, auto& response) {
    if (++count > 4) return ChatServer::refuse(response, 401, "no more credit");
    ChatServer::answer(response, kGood);
  });
  auto asked = options(server, changed(6));
  asked.endpoint.concurrency = 1;
  const auto message = error_of([&] { annotate(asked); });
  EXPECT_EQ(message, server.url() + ": status 401: no more credit");
  EXPECT_FALSE(fs::exists(folder_ / "out.jsonl"));
  // A line that the kill truncated.
  std::ofstream(folder_ / "out.jsonl.journal.jsonl", std::ios::app) << "{\"request\": \"00";
  count = -100;
  const auto summary = annotate(asked);
  EXPECT_EQ(summary.from_journal, 4);
  EXPECT_EQ(summary.requests, 2);
  EXPECT_EQ(summary.annotated, 6);
  asked.overwrite = true;
  EXPECT_EQ(annotate(asked).requests, 0);
  asked.endpoint.temperature = 0.1;
  EXPECT_EQ(annotate(asked).requests, 6);
}

TEST_F(Annotation, AStopLetsAnswersOnTheirWayArrive) {
  std::stop_source stop;
  const ChatServer server([&](const auto& /*request*/, auto& response) {
    stop.request_stop();
    ChatServer::answer(response, kGood);
  });
  auto asked = options(server, changed(5));
  asked.endpoint.concurrency = 1;
  const auto first = annotate(asked, {}, stop.get_token());
  EXPECT_TRUE(first.interrupted);
  EXPECT_EQ(first.requests, 1);
  EXPECT_FALSE(fs::exists(folder_ / "out.jsonl"));
  const auto second = annotate(asked);
  EXPECT_EQ(second.from_journal, 1);
  EXPECT_EQ(second.requests, 4);
}

TEST_F(Annotation, DescribeSendsImagesAndFactsOverThreeTurns) {
  images("p0", 1);
  auto pair = nlohmann::json::parse(entry("p0", 1, {}));
  pair["facts"] = {"2 new objects, top left, 3.1 % of the image"};
  const ChatServer server([](const auto& request, auto& response) {
    const auto turn = request["messages"].size();
    ChatServer::answer(response, turn == 2   ? "Both show a yard."
                                 : turn == 4 ? "- two objects are new"
                                             : kGood);
  });
  auto asked = options(server, lines("list.jsonl", {pair.dump()}));
  asked.task = AnnotateTask::kDescribe;
  const auto summary = annotate(asked);
  EXPECT_EQ(summary.requests, 3);
  EXPECT_EQ(written()[0]["change_caption"].size(), 2U);
  const auto requests = server.requests();
  const auto parts = requests[0]["messages"][1]["content"];
  EXPECT_THAT(parts[1]["image_url"]["url"].get<std::string>(),
              ::testing::StartsWith("data:image/png;base64,"));
  EXPECT_EQ(requests[1]["messages"][2]["content"], "Both show a yard.");
  EXPECT_THAT(requests[1]["messages"][3]["content"].get<std::string>(),
              HasSubstr("1. 2 new objects, top left"));
  EXPECT_EQ(requests[2]["messages"][4]["content"], "- two objects are new");
}

TEST_F(Annotation, LimitAndMaxCostLeaveTheRestAsItIs) {
  const ChatServer server(
      [](const auto& /*request*/, auto& response) { ChatServer::answer(response, kGood); });
  auto asked = options(server, changed(6));
  asked.limit = 2;
  EXPECT_EQ(annotate(asked).unasked, 4);
  EXPECT_EQ(written()[5]["change_caption"][0], "house 5");
  asked.limit = 0;
  asked.overwrite = true;
  asked.endpoint.concurrency = 1;
  asked.endpoint.price_in = 10'000;  // one unit of money per request
  asked.max_cost = 5;                // two of them are spent
  const auto summary = annotate(asked);
  EXPECT_EQ(summary.requests, 3);
  EXPECT_EQ(summary.annotated, 5);
  EXPECT_EQ(summary.unasked, 1);
}

TEST_F(Annotation, NoMoreRequestsAtATimeThanAsked) {
  std::atomic<int> now = 0, most = 0;
  const ChatServer server([&](const auto& /*request*/, auto& response) {
    const int running = ++now;
    int seen = most;
    while (seen < running && !most.compare_exchange_weak(seen, running)) {
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    --now;
    ChatServer::answer(response, kGood);
  });
  auto asked = options(server, changed(12));
  asked.endpoint.concurrency = 2;
  annotate(asked);
  EXPECT_EQ(most, 2);
}

TEST_F(Annotation, ThePlanAsksNothing) {
  images("p0", 1);
  AnnotateOptions plan{.list = lines("list.jsonl", {entry("p0", 1, {"a house"})}),
                       .task = AnnotateTask::kDescribe};
  plan.endpoint = {.base_url = "http://127.0.0.1:1/v1", .model = "small", .price_in = 1};
  const auto text = annotate_plan(plan);
  EXPECT_THAT(text, HasSubstr("1 pairs, at least 3 requests"));
  EXPECT_THAT(text, HasSubstr("at these prices"));
  EXPECT_THAT(text, HasSubstr("data:image/png;base64,... ("));
}

TEST_F(Annotation, AddressesThatCannotBeAreSaid) {
  AnnotateOptions asked{.list = changed(1), .output = folder_ / "out.jsonl"};
  asked.endpoint = {.base_url = "ftp://x", .model = "small"};
  EXPECT_EQ(error_of([&] { annotate(asked); }),
            "base URL: expected http://... or https://..., got 'ftp://x'");
  asked.endpoint = {
      .base_url = "http://127.0.0.1:1/v1", .model = "small", .retries = 1, .backoff_seconds = 0.01};
  EXPECT_THAT(error_of([&] { annotate(asked); }),
              HasSubstr("http://127.0.0.1:1/v1: Couldn't connect to server"));
  asked.endpoint.model = "";
  EXPECT_THAT(error_of([&] { annotate(asked); }),
              HasSubstr("model: expected a model name known to the endpoint, got none"));
}

TEST_F(Annotation, OtherFilesAreNoJournal) {
  const ChatServer server(
      [](const auto& /*request*/, auto& response) { ChatServer::answer(response, kGood); });
  auto asked = options(server, changed(1));
  asked.journal = folder_.write("notes.jsonl", "{\"a\": 1}\n");
  EXPECT_THAT(error_of([&] { annotate(asked); }),
              HasSubstr("notes.jsonl: line 1: expected an answer from an annotate journal"));
  EXPECT_TRUE(server.requests().empty());
}

TEST(ChatAnswers, AreCheckedForFormAndForTheFlag) {
  ChatPair changed, unchanged;
  changed.pair.changed = true;
  unchanged.pair.changed = false;
  std::vector<std::string> captions;
  EXPECT_EQ(problem_of("```json\n[\"a house .\", \"one road\"]\n```", changed, 2, captions), "");
  EXPECT_THAT(captions, ElementsAre("a house.", "one road"));
  const auto problem = [&](const char* answer, const ChatPair& pair) {
    return problem_of(answer, pair, 2, captions);
  };
  EXPECT_THAT(problem("two captions", changed), HasSubstr("no JSON array"));
  EXPECT_THAT(problem("[\"a house\", 2]", changed), HasSubstr("no string"));
  EXPECT_THAT(problem("[\"a house\", \" \"]", changed), HasSubstr("blank"));
  EXPECT_THAT(problem("[\"a house\", \"house\"]", changed), HasSubstr("'house' is no sentence"));
  EXPECT_THAT(problem("[\"a house\", \"a house\"]", changed), HasSubstr("stands twice"));
  EXPECT_THAT(problem("[\"a house\", \"As an AI I cannot see\"]", changed), HasSubstr("speaks of you"));
  EXPECT_THAT(problem("[\"a house\", \"nothing has changed\"]", changed), HasSubstr("known to have changed"));
  EXPECT_THAT(problem("[\"a house\", \"nothing has changed\"]", unchanged),
              HasSubstr("known not to have changed"));
  EXPECT_EQ(problem("[\"no change is seen\", \"nothing has changed\"]", unchanged), "");
  std::string words;
  for (int i = 0; i < 90; ++i) words += "word ";
  EXPECT_THAT(problem(("[\"a house\", \"" + words + "\"]").c_str(), changed), HasSubstr("has 90 words"));
}

TEST(ChatAnswers, MayHaveAPreface) {
  ChatPair pair;
  pair.pair.changed = true;
  std::vector<std::string> captions;
  const auto problem = [&](const std::string& answer) { return problem_of(answer, pair, 2, captions); };
  for (const auto* preface :
       {"<think>options [a] or [b]</think>", "<think>[\"a draft one\", \"a draft two\"]</think>\n",
        "The [first] and [\"second\"] images differ:\n", "Scores [1, 2], then\n```json\n", "[",
        "{\"captions\": "}) {
    EXPECT_EQ(problem(std::string(preface) + "[\"a house\", \"one [new] road\"]\n``` done [ok]"), "")
        << preface;
    EXPECT_THAT(captions, ElementsAre("a house", "one [new] road")) << preface;
  }
  EXPECT_THAT(problem("<think>[\"a house\", \"one road\"]"), HasSubstr("no JSON array"));
  EXPECT_THAT(problem("[see] [\"a house\"]"), HasSubstr("has 1 elements, not 2"));
  EXPECT_THAT(problem(std::string(100'000, '[')), HasSubstr("no JSON array"));
}

}  // namespace
}  // namespace ccexpert::datasets
