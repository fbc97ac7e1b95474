// Requests that break a rule of HTTP or a limit of the server.
#include <gmock/gmock.h>

#include "serve/server_fixture.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert::serve::test {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Limits : public ServerTest {};

TEST_F(Limits, OtherBytesAre400AndCloseTheConnection) {
  start();
  EXPECT_THAT(raw().ask("\x16\x03\x01 nonsense\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 400 "), HasSubstr("Connection: close"),
                    HasSubstr("expected a request of HTTP/1.1, got other bytes")));
  EXPECT_THAT(raw().ask("GET /healthz HTTP/1.1\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 400 "), HasSubstr("Host: expected it once")));
  EXPECT_THAT(raw().ask("GET /healthz HTTP/2.5\r\nHost: localhost\r\n\r\n"),
              AnyOf(StartsWith("HTTP/1.1 400 "), StartsWith("HTTP/1.1 505 ")));
}

TEST_F(Limits, BothLengthAndChunksAre400) {
  start();
  EXPECT_THAT(raw().ask("POST /v1/captions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(raw().ask("POST /v1/captions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                        "Transfer-Encoding: gzip\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(raw().ask("POST /v1/captions HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
}

TEST_F(Limits, OtherTransferCodingsThanChunkedAre400) {
  start();
  const auto answer = [&](const std::string& version, const std::string& fields) {
    return raw().ask(
        fmt::format("POST /v1/captions HTTP/{}\r\nHost: localhost\r\nContent-Type: "
                    "application/json\r\nConnection: close\r\n{}\r\n2\r\n{{}}\r\n0\r\n\r\n",
                    version, fields));
  };
  // The body {} lacks its images.
  EXPECT_THAT(answer("1.1", "Transfer-Encoding: chunked\r\n"), StartsWith("HTTP/1.1 422 "));
  for (const char* fields :
       {"Transfer-Encoding: \r\n", "Transfer-Encoding: \r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: gzip, chunked\r\n"})
    EXPECT_THAT(answer("1.1", fields), StartsWith("HTTP/1.1 400 ")) << fields;
  EXPECT_THAT(answer("1.0", "Transfer-Encoding: chunked\r\n"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(Limits, LargeHeaderIs431) {
  config.limits.max_header = 1024;
  start();
  const auto answer =
      raw().ask("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(3000, 'x') + "\r\n\r\n");
  EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 431 "), HasSubstr("header: expected at most 1024 bytes")));
}

TEST_F(Limits, LargeBodyIs413BeforeItIsSent) {
  config.limits.max_body = 2000;
  start();
  const std::string head =
      "POST /v1/captions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
  EXPECT_THAT(raw().ask(head + "Content-Length: 2001\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 413 "), HasSubstr("body: expected at most 2000 bytes, got 2001"),
                    HasSubstr("\"code\":\"body_too_large\"")));
  EXPECT_THAT(raw().ask(head + "Content-Length: 2001\r\nExpect: 100-continue\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
  // Chunks announce no length.
  std::string chunks;
  for (int i = 0; i < 3; ++i) chunks += "3e8\r\n" + std::string(1000, ' ') + "\r\n";
  EXPECT_THAT(raw().ask(head + "Transfer-Encoding: chunked\r\n\r\n" + chunks + "0\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 413 "), HasSubstr("\"code\":\"body_too_large\"")));
  EXPECT_THAT(app->metrics().text(), HasSubstr("ccexpert_refused_total{reason=\"body_too_large\"} 3\n"));
}

TEST_F(Limits, ClientsThatSendAllOfALargeBodyGetTheReason) {
  config.limits.max_body = 2000;
  start();
  const auto client = raw();
  const std::string piece(64 << 10, ' ');
  ASSERT_TRUE(client.send(json_head(piece.size() * 300) + "\r\n"));
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(client.send(piece)) << i;
  EXPECT_THAT(client.all(), StartsWith("HTTP/1.1 413 "));
}

TEST_F(Limits, LongChunkHeadersAreRefused) {
  config.limits.max_header = 1024;
  start();
  const auto answer = raw().ask(
      "POST /v1/captions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n1;x=" +
      std::string(200'000, 'x'));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 4"));
}

TEST_F(Limits, ClientsThatAskToContinueAreTold) {
  start();
  const auto body = pair_json().dump();
  const auto connection = raw();
  ASSERT_TRUE(connection.send(
      fmt::format("POST /v1/captions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                  "Content-Length: {}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
                  body.size())));
  EXPECT_EQ(connection.some(), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_THAT(connection.ask(body), AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("a road .")));
}

TEST_F(Limits, ClientsOfHttp10AreNotToldToContinue) {
  start();
  const auto body = pair_json().dump();
  const auto connection = raw();
  ASSERT_TRUE(
      connection.send(fmt::format("POST /v1/captions HTTP/1.0\r\nContent-Type: application/json\r\n"
                                  "Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
                                  body.size())));
  EXPECT_THAT(connection.ask(body), StartsWith("HTTP/1.1 200 "));
}

TEST_F(Limits, SlowHeadersAndBodiesAre408) {
  config.limits.header_timeout = 0.2;
  config.limits.slow_timeout = 0.2;
  start();
  const auto slow_header = raw(), slow_body = raw();
  ASSERT_TRUE(slow_header.send("GET /healthz HTTP/1.1\r\nHost: loc"));
  ASSERT_TRUE(
      slow_body.send("POST /v1/captions HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                     "application/json\r\nContent-Length: 100\r\n\r\n{\"be"));
  EXPECT_THAT(slow_header.all(), AllOf(StartsWith("HTTP/1.1 408 "), HasSubstr("did not arrive in time")));
  EXPECT_THAT(slow_body.all(), StartsWith("HTTP/1.1 408 "));
}

TEST_F(Limits, IdleConnectionsEndWithoutAWord) {
  config.limits.idle_timeout = 0.1;
  start();
  EXPECT_EQ(raw().all(), "");
}

TEST_F(Limits, RequestsOfOneConnectionFollowEachOther) {
  start();
  const auto answers = raw().ask(
      "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nHEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
      "GET /healthz HTTP/1.0\r\n\r\n");
  size_t count = 0;
  for (auto at = answers.find("HTTP/1.1 200 OK"); at != std::string::npos; ++count)
    at = answers.find("HTTP/1.1 200 OK", at + 1);
  EXPECT_EQ(count, 3);
  EXPECT_TRUE(answers.ends_with("}\n"));
}

TEST_F(Limits, UnknownPathsAndMethodsAndTypes) {
  start();
  auto result = client().Get("/v1/caption");
  EXPECT_EQ(result->status, 404);
  EXPECT_EQ(message(result), "/v1/caption: this path does not exist (see /docs)");
  result = client().Get("/v1/captions");
  EXPECT_EQ(result->status, 405);
  EXPECT_EQ(result->get_header_value("Allow"), "POST");
  result = client().Post("/v1/captions", "<xml/>", "text/xml");
  EXPECT_EQ(result->status, 415);
  EXPECT_EQ(message(result), "Content-Type: expected application/json or multipart/form-data, got text/xml");
  result =
      client().Post("/v1/captions", httplib::Headers{{"Content-Encoding", "gzip"}}, "x", "application/json");
  EXPECT_EQ(result->status, 415);
}

TEST_F(Limits, KeysAreAskedForBeforeLengths) {
  const ccexpert::test::TemporaryFolder folder;
  config.api_keys = folder.write("keys.txt", "0123456789abcdef\n");
  config.limits.max_body = 2000;
  start();
  EXPECT_THAT(raw().ask(json_head(2001) + "\r\n"), StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(raw().ask(json_head(2001) + "X-Api-Key: 0123456789abcdef\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 413 "), HasSubstr("body: expected at most 2000 bytes, got 2001")));
}

TEST_F(Limits, LengthsBeyondAllNumbersAreRefused) {
  start();
  for (const char* length :
       {"18446744073709551615", "18446744073709551614", "9223372036854775808", "99999999999999999999"})
    EXPECT_THAT(raw().ask(fmt::format("POST /v1/captions HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                                      "application/json\r\nContent-Length: {}\r\n\r\n",
                                      length)),
                AnyOf(StartsWith("HTTP/1.1 400 "), StartsWith("HTTP/1.1 413 ")))
        << length;
}

TEST_F(Limits, KeysAreAskedForAndReadAgain) {
  const ccexpert::test::TemporaryFolder folder;
  config.api_keys = folder.write("keys.txt", "# clients\nalice: 0123456789abcdef\n");
  start();
  auto result = client().Get("/v1/models");
  EXPECT_EQ(result->status, 401);
  EXPECT_EQ(result->get_header_value("WWW-Authenticate"), "Bearer");
  EXPECT_EQ(message(result), "Authorization: expected \"Bearer KEY\", got no API key");
  EXPECT_EQ(client().Get("/healthz")->status, 200);
  EXPECT_EQ(client().Get("/metrics")->status, 401);
  const auto with = [&](const std::string& key) {
    return client().Get("/v1/models", httplib::Headers{{"Authorization", "Bearer " + key}})->status;
  };
  EXPECT_EQ(with("0123456789abcdef"), 200);
  EXPECT_EQ(with("0123456789abcdeF"), 401);
  folder.write("keys.txt", "bob: fedcba9876543210\n");
  app->reload();
  EXPECT_EQ(with("0123456789abcdef"), 401);
  EXPECT_EQ(client().Get("/v1/models", httplib::Headers{{"X-Api-Key", "fedcba9876543210"}})->status, 200);
}

TEST_F(Limits, PagesOfOtherOriginsAndHostsAreRefused) {
  config.cors = {"https://maps.example.org"};
  start();
  const auto asked = [&](httplib::Headers headers) {
    return client().Post("/v1/captions", std::move(headers), pair_json().dump(), "application/json");
  };
  auto result = asked({{"Origin", "https://evil.example"}});
  EXPECT_EQ(result->status, 403);
  EXPECT_FALSE(result->has_header("Access-Control-Allow-Origin"));
  result = asked({{"Origin", "https://maps.example.org"}});
  EXPECT_EQ(result->status, 200);
  EXPECT_EQ(result->get_header_value("Access-Control-Allow-Origin"), "https://maps.example.org");
  result = client().Options("/v1/captions", httplib::Headers{{"Origin", "https://maps.example.org"}});
  EXPECT_EQ(result->status, 204);
  EXPECT_EQ(result->get_header_value("Access-Control-Allow-Methods"), "POST");
  EXPECT_THAT(result->get_header_value("Access-Control-Allow-Headers"), HasSubstr(", *"))
      << "OpenAI's client for browsers sends headers of its own";
  EXPECT_THAT(raw().ask("GET /v1/models HTTP/1.1\r\nHost: rebound.example:80\r\nConnection: close\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 403 "), HasSubstr("Host: expected localhost")));
}

TEST_F(Limits, NamesThatLookLikeAnAddressOfThisMachineAreRefused) {
  start();
  const auto asked = [&](const std::string& host) {
    return raw().ask(fmt::format("GET /v1/models HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", host));
  };
  for (const char* host : {"localhost", "LocalHost:80", "127.0.0.1:80", "127.8.9.10", "[::1]:80"})
    EXPECT_THAT(asked(host), StartsWith("HTTP/1.1 200 ")) << host;
  for (const char* host :
       {"127.evil.example", "127.0.0.1.evil.example:80", "localhost.evil.example", "[::2]", "128.0.0.1"})
    EXPECT_THAT(asked(host), StartsWith("HTTP/1.1 403 ")) << host;
}

TEST_F(Limits, TheLoopbackOfIPv6IsAnAddressOfThisMachine) {
  config.host = "::1";
  Metrics metrics("9.9");
  Site site(config, metrics);
  site.add({.method = "GET", .path = "/", .handler = {}});
  Request request{.method = "GET", .path = "/", .query = "", .headers = {{"Host", "[::1]:80"}}};
  EXPECT_NO_THROW(site.admit(request));
  request.headers = {{"Host", "rebound.example:80"}};
  EXPECT_THROW(site.admit(request), HttpError);
}

TEST_F(Limits, TargetsMayNameTheHost) {
  start();
  const auto asked = [&](const std::string& target) {
    return raw().ask(fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", target));
  };
  EXPECT_THAT(asked("http://127.0.0.1:80/v1/models?a=b"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(asked("HTTP://localhost"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(asked("http://rebound.example/v1/models"), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(asked("ftp://localhost/v1/models"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(Limits, AKeyFileThatDoesNotFitKeepsNothingElseFromReloading) {
  const ccexpert::test::TemporaryFolder folder;
  config.api_keys = folder.write("keys.txt", "0123456789abcdef\n");
  config.access_log = folder / "access.log";
  start();
  folder.write("keys.txt", "short\n");
  std::filesystem::rename(config.access_log, folder / "old.log");
  EXPECT_THAT(ccexpert::test::error_of([&] { app->reload(); }), HasSubstr("keys.txt:1: expected a key"));
  EXPECT_TRUE(std::filesystem::exists(config.access_log));
}

TEST_F(Limits, CorsIsOffByDefault) {
  start();
  const auto result = client().Get("/v1/models", httplib::Headers{{"Origin", "https://maps.example.org"}});
  EXPECT_EQ(result->status, 200);
  EXPECT_FALSE(result->has_header("Access-Control-Allow-Origin"));
}

TEST_F(Limits, RequestsThatRunEndAndNewOnesAreRefused) {
  start();
  model->waits = true;
  std::thread drain;
  std::optional<httplib::Result> answered;
  std::thread asker([&] { answered.emplace(post("/v1/captions", pair_json())); });
  for (int i = 0; i < 500 && model->job_count() == 0; ++i) std::this_thread::sleep_for(10ms);
  bool done = false;
  drain = std::thread([&] { done = app->drain(20s); });
  const auto is_refused = [&] { return !client().Get("/healthz"); };
  for (int i = 0; i < 500 && !is_refused(); ++i) std::this_thread::sleep_for(10ms);
  EXPECT_TRUE(is_refused());
  model->waits = false;
  asker.join();
  drain.join();
  EXPECT_TRUE(done);
  ASSERT_TRUE(*answered);
  EXPECT_EQ((*answered)->status, 200);
  EXPECT_EQ((*answered)->get_header_value("Connection"), "close");
}

TEST_F(Limits, RequestsSentRightBeforeTheEndAreAnswered) {
  start();
  model->waits = true;
  std::vector<std::unique_ptr<RawClient>> clients(30);
  for (auto& each : clients) each = std::make_unique<RawClient>(app->port());
  const auto all_are_open = [&] {
    return app->metrics().text().find("ccexpert_connections 30\n") != std::string::npos;
  };
  while (!all_are_open()) std::this_thread::sleep_for(2ms);
  const auto body = pair_json().dump();
  const auto request = json_head(body.size()) + "\r\n" + body;
  for (const auto& each : clients) EXPECT_TRUE(each->send(request));
  std::thread drain([&] { EXPECT_TRUE(app->drain(5s)); });
  // Requests look in intervals if their clients are still there.
  std::this_thread::sleep_for(300ms);
  model->waits = false;
  for (const auto& each : clients) EXPECT_THAT(each->all(), StartsWith("HTTP/1.1 200 "));
  drain.join();
}

TEST_F(Limits, ConnectionsThatWaitDoNotHoldTheEnd) {
  start();
  const auto waiting = raw();
  ASSERT_TRUE(waiting.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  EXPECT_THAT(waiting.some(), StartsWith("HTTP/1.1 200 "));
  EXPECT_TRUE(app->drain(3s));
  EXPECT_EQ(waiting.all(), "");
}

TEST_F(Limits, HalfSentHeadersEndWithTheLimit) {
  start();
  const auto half = raw();
  ASSERT_TRUE(half.send("GET /healthz HTTP/1.1\r\nHost: loc"));
  std::this_thread::sleep_for(100ms);
  const auto before = Clock::now();
  EXPECT_FALSE(app->drain(300ms));
  EXPECT_LT(Clock::now() - before, 3s);
  EXPECT_EQ(half.all(), "");
}

TEST_F(Limits, AnswersInPiecesDuringTheEndSayThatTheConnectionCloses) {
  config.port = 0;
  app = std::make_unique<App>(config, limits, "9.9");
  std::atomic<bool> entered = false, go = false;
  app->add({.method = "GET", .path = "/pieces", .handler = [&](const Request&, Exchange& exchange) {
              entered = true;
              while (!go) std::this_thread::sleep_for(2ms);
              exchange.start({});
              return std::optional<Reply>();
            }});
  app->start();
  const auto client = raw();
  ASSERT_TRUE(client.send("GET /pieces HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  while (!entered) std::this_thread::sleep_for(2ms);
  std::thread drain([&] { EXPECT_TRUE(app->drain(5s)); });
  std::this_thread::sleep_for(100ms);
  go = true;
  EXPECT_THAT(client.all(), HasSubstr("\r\nConnection: close\r\n"));
  drain.join();
}

TEST_F(Limits, RequestsThatDoNotEndAreGivenUp) {
  start();
  model->waits = true;
  std::thread asker([&] { EXPECT_FALSE(post("/v1/captions", pair_json())); });
  std::this_thread::sleep_for(200ms);
  EXPECT_FALSE(app->drain(100ms));
  asker.join();
  EXPECT_EQ(model->cancellations, 1);
  EXPECT_THAT(app->metrics().text(), HasSubstr("route=\"/v1/captions\",status=\"503\"} 1"))
      << "the client has not left";
}

}  // namespace
}  // namespace ccexpert::serve::test
