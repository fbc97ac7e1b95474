// Clients that would hold connections or memory.
#include <algorithm>

#include <gmock/gmock.h>
#include <pthread.h>

#include "serve/server_fixture.h"

namespace ccexpert::serve::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class SlowClients : public ServerTest {};

TEST_F(SlowClients, BodiesBeyondTheMemoryOfAllAre503) {
  config.limits.max_bodies = 1500;
  start();
  const auto connection = raw();
  ASSERT_TRUE(connection.send(json_head(1000) + "\r\n" + std::string(900, ' ')));
  std::this_thread::sleep_for(100ms);
  const auto result = client().Post("/v1/captions", std::string(1000, ' '), "application/json");
  EXPECT_EQ(result->status, 503);
  EXPECT_THAT(message(result), HasSubstr("as many requests as its memory allows"));
}

TEST_F(SlowClients, AnnouncedBodiesTakeNoMemoryBeforeTheyCome) {
  config.limits.max_body = config.limits.max_bodies = 4000;
  start();
  const auto announced = raw(), chunked = raw();
  ASSERT_TRUE(announced.send(json_head(4000) + "\r\n{"));
  ASSERT_TRUE(
      chunked.send("POST /v1/captions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"));
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(post("/v1/captions", pair_json())->status, 200);
}

TEST_F(SlowClients, CaptionsThatWaitHoldNoBody) {
  const json pair{{"before", page::base64(noise_png(64))}, {"after", page::base64(noise_png(64))}};
  config.limits.max_bodies = std::ssize(pair.dump()) * 3 / 2;
  start();
  model->waits = true;
  std::vector<std::thread> askers;
  std::vector<int> answers(5);
  for (auto& each : answers) {
    std::this_thread::sleep_for(50ms);
    askers.emplace_back([&] { each = post("/v1/captions", pair)->status; });
  }
  std::this_thread::sleep_for(200ms);
  model->waits = false;
  for (auto& each : askers) each.join();
  EXPECT_THAT(answers, testing::Each(200));
}

TEST_F(SlowClients, BodiesThatCrawlArePushedOut) {
  config.limits.max_connections = 1;
  start();
  const auto slow = raw();
  ASSERT_TRUE(slow.send(json_head(1000) + "\r\n{"));
  std::this_thread::sleep_for(600ms);
  ASSERT_TRUE(slow.send(" "));
  std::this_thread::sleep_for(50ms);
  EXPECT_THAT(raw().ask("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(slow.all(), "");
}

TEST_F(SlowClients, ConnectionsBeyondTheLimitPushOutTheOneThatWaitsLongest) {
  config.limits.max_connections = 2;
  start();
  const std::string ask = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const auto first = raw(), second = raw();
  for (const auto* each : {&first, &second}) {
    ASSERT_TRUE(each->send(ask));
    EXPECT_THAT(each->some(), StartsWith("HTTP/1.1 200 "));
    std::this_thread::sleep_for(300ms);
  }
  std::this_thread::sleep_for(300ms);
  EXPECT_THAT(raw().ask("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(first.all(), "");
  EXPECT_THAT(second.ask("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 200 "));
}

TEST_F(SlowClients, ConnectionsBeyondTheLimitAre503IfAllAreBusy) {
  config.limits.max_connections = 1;
  start();
  model->waits = true;
  const auto busy = raw();
  const auto body = pair_json().dump();
  ASSERT_TRUE(
      busy.send(fmt::format("POST /v1/captions HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                            "application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                            body.size(), body)));
  std::this_thread::sleep_for(700ms);
  const auto refused = raw().ask("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(refused, AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("no free connection")));
  EXPECT_EQ(json::parse(refused.substr(refused.find("\r\n\r\n") + 4))["error"]["code"],
            "too_many_connections");
  model->waits = false;
  EXPECT_THAT(busy.all(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(SlowClients, RefusedClientsThatStillSendGetTheReason) {
  config.limits.max_connections = 1;
  start();
  model->waits = true;
  const auto busy = raw();
  const auto body = pair_json().dump();
  ASSERT_TRUE(busy.send(json_head(body.size()) + "\r\n" + body));
  std::this_thread::sleep_for(700ms);
  const auto refused = raw();
  const std::string piece(64 << 10, ' ');
  ASSERT_TRUE(refused.send(json_head(piece.size() * 100) + "\r\n"));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(refused.send(piece)) << i;
  EXPECT_THAT(refused.all(), AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("no free connection")));
}

/// While it lives, the system starts no thread: it lacks memory for stacks of this size.
class NoThreads {
 public:
  NoThreads() { set_stack(size_t{1} << 50); }
  ~NoThreads() { set_stack(size_t{8} << 20); }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;

 private:
  static void set_stack(size_t bytes) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, bytes);
    EXPECT_EQ(pthread_setattr_default_np(&attributes), 0);
    pthread_attr_destroy(&attributes);
  }
};

TEST_F(SlowClients, ConnectionsWithoutAThreadAre503) {
  start();
  {
    const NoThreads none;
    EXPECT_THAT(raw().all(), AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("no free connection")));
  }
  EXPECT_THAT(app->metrics().text(), HasSubstr("ccexpert_connections 0\n"));
  EXPECT_EQ(post("/v1/captions", pair_json())->status, 200);
}

/// Answers of which the system cannot hold all bytes for a client that does not read.
class LargeAnswers : public ServerTest {
 protected:
  void SetUp() override {
    config.port = 0;
    config.limits.slow_timeout = 5;
  }
  void start_large() {
    app = std::make_unique<App>(config, limits, "9.9");
    app->add({.method = "GET", .path = "/large", .handler = [](const Request&, Exchange&) {
                return Reply{.body = std::string(32 << 20, 'x')};
              }});
    app->start();
  }
  static constexpr const char* kAsk = "GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n";
};

TEST_F(LargeAnswers, ClientsThatDoNotReadArePushedOut) {
  config.limits.max_connections = 1;
  start_large();
  const auto slow = raw();
  ASSERT_TRUE(slow.send(kAsk));
  std::string answer;
  // The system takes some of the answer first; the connection waits from then on.
  for (int i = 0; i < 20 && !answer.starts_with("HTTP/1.1 200 "); ++i) {
    std::this_thread::sleep_for(200ms);
    answer = raw().ask("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  }
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
}

TEST_F(LargeAnswers, ClientsThatTakeThemInDropsAreLeft) {
  config.limits.answer_timeout = 0.3;
  start_large();
  const auto slow = raw();
  ASSERT_TRUE(slow.send(kAsk));
  const auto is_left = [&] {
    return app->metrics().text().find("route=\"/large\",status=\"499\"} 1") != std::string::npos;
  };
  for (int i = 0; i < 100 && !is_left(); ++i) {
    slow.some();
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_TRUE(is_left());
}

}  // namespace
}  // namespace ccexpert::serve::test
