// Clients that would hold connections or memory.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <gmock/gmock.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "serve/server_fixture.h"
#include "support/errors.h"

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
  EXPECT_EQ(result->get_header_value("Retry-After"), "1");
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
  while (model->job_count() < 1) std::this_thread::sleep_for(2ms);
  const auto refused = raw().ask("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(refused, AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("no free connection")));
  const auto error = json::parse(refused.substr(refused.find("\r\n\r\n") + 4))["error"];
  EXPECT_EQ(error["code"], "too_many_connections");
  EXPECT_THAT(refused,
              AllOf(HasSubstr("\r\nX-Request-Id: " + error["request_id"].get<std::string>() + "\r\n"),
                    HasSubstr("\r\nRetry-After: 1\r\n"), HasSubstr("\r\nConnection: close\r\n")));
  EXPECT_THAT(app->metrics().text(),
              HasSubstr("ccexpert_refused_total{reason=\"too_many_connections\"} 1\n"));
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
  while (model->job_count() < 1) std::this_thread::sleep_for(2ms);
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

rlimit open_files() {
  rlimit limit{};
  EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  return limit;
}

/// Sets the number of files that this process may open, and puts the old one back at its end.
class OpenFiles {
 public:
  explicit OpenFiles(rlim_t most) {
    const rlimit limit{.rlim_cur = most, .rlim_max = before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  }
  ~OpenFiles() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }
  OpenFiles(const OpenFiles&) = delete;
  OpenFiles& operator=(const OpenFiles&) = delete;

 private:
  const rlimit before_ = open_files();
};

TEST_F(SlowClients, TheServerMayOpenTheFilesOfAllConnections) {
  const OpenFiles few(300);
  config.limits.max_connections = 1000;
  start();
  EXPECT_EQ(open_files().rlim_cur, 1000 + 256 + 128);
}

TEST_F(SlowClients, MoreConnectionsThanFilesAreRefused) {
  config.limits.max_connections = 9000;
  const auto start_with_few = [this] {
    const rlimit few{.rlim_cur = 1000, .rlim_max = 1000};
    ::setrlimit(RLIMIT_NOFILE, &few);
    std::fputs(ccexpert::test::error_of([this] { start(); }).c_str(), stderr);
    std::_Exit(0);
  };
  EXPECT_EXIT(start_with_few(), testing::ExitedWithCode(0),
              "--max-connections: expected at most 616, since this process may open 1000 files, got 9000");
}

TEST_F(SlowClients, AClientWithoutADescriptorPushesOutOneThatWaits) {
  start();
  const auto idle = raw();
  std::this_thread::sleep_for(600ms);
  const int next = ::dup(STDERR_FILENO);
  ::close(next);
  {
    // The client gets the last one.
    const OpenFiles few(static_cast<rlim_t>(next) + 1);
    EXPECT_THAT(raw().ask("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
                StartsWith("HTTP/1.1 200 "));
  }
  EXPECT_EQ(idle.all(), "");
  EXPECT_THAT(app->metrics().text(), HasSubstr("reason=\"slow_connections\"} 1\n"));
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
