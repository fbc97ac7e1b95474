#include <gmock/gmock.h>

#include "serve/server_fixture.h"

namespace ccexpert::serve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CaptionsRoute : public ServerTest {
 protected:
  void SetUp() override { start(); }

  void expect_refused(const json& change, int status, const std::string& sentence) {
    auto body = pair_json();
    body.update(change);
    const auto result = post("/v1/captions", body);
    EXPECT_EQ(result->status, status) << result->body;
    EXPECT_THAT(message(result), HasSubstr(sentence));
  }
};

TEST_F(CaptionsRoute, AnswersJson) {
  auto body = pair_json();
  body.update({{"question", "Which road?"}, {"locate", true}, {"max_new_tokens", 9}, {"beams", 2}});
  const auto result = client().Post("/v1/captions", httplib::Headers{{"X-Request-Id", "mine-1"}}, body.dump(),
                                    "application/json; charset=utf-8");
  ASSERT_EQ(result->status, 200) << result->body;
  EXPECT_EQ(result->get_header_value("X-Request-Id"), "mine-1");
  EXPECT_EQ(result->get_header_value("Cache-Control"), "no-store");
  const auto answer = json::parse(result->body);
  EXPECT_EQ(answer["id"], "mine-1");
  EXPECT_EQ(answer["model"], "fake");
  EXPECT_EQ(answer["caption"], "a road .");
  EXPECT_EQ(answer["finish_reason"], "stop");
  EXPECT_EQ(answer["logprob"], -1.5);
  EXPECT_EQ(answer["change_score"], 0.75);
  EXPECT_EQ(answer["change_map"], json({{"grid", 2}, {"values", {0.0, 0.25, 0.5, 1.0}}}));
  EXPECT_EQ(answer["usage"], json({{"prompt_tokens", 40}, {"completion_tokens", 3}, {"total_tokens", 43}}));
  const auto job = model->last_job();
  EXPECT_EQ(job.request.question, "Which road?");
  EXPECT_TRUE(job.request.locate);
  EXPECT_EQ(job.request.generation.max_new_tokens, 9);
  EXPECT_EQ(job.request.generation.beams, 2);
  EXPECT_EQ(job.request.client, "127.0.0.1");
  EXPECT_EQ(job.pair->before.width, 6);
  EXPECT_EQ(job.pair->before.pixels.front(), 90);
  EXPECT_EQ(job.pair->after.pixels.front(), 200);
}

TEST_F(CaptionsRoute, AnswersForms) {
  const httplib::MultipartFormDataItems items{{"before", png(), "a.png", "image/png"},
                                              {"after", png(4, 6, 200), "b \"2\".png", "image/png"},
                                              {"question", "true", "", ""},
                                              {"words", "true", "", ""},
                                              {"temperature", "0.5", "", ""}};
  const auto result = client().Post("/v1/captions", items);
  ASSERT_EQ(result->status, 200) << result->body;
  const auto job = model->last_job();
  EXPECT_EQ(job.request.question, "true");
  EXPECT_TRUE(job.request.words);
  EXPECT_EQ(job.request.generation.temperature, 0.5);
  EXPECT_EQ(job.pair->after.pixels.front(), 200);
}

TEST_F(CaptionsRoute, RefusesFieldsOfFormsThatRepeatOrHaveNoValue) {
  httplib::MultipartFormDataItems items{{"before", png(), "a.png", "image/png"},
                                        {"after", png(), "b.png", "image/png"},
                                        {"top_p", "null", "", ""}};
  EXPECT_THAT(message(client().Post("/v1/captions", items)), HasSubstr("top_p: expected a number, got"));
  items.back().content = "0.5";
  items.push_back(items.back());
  EXPECT_EQ(message(client().Post("/v1/captions", items)),
            "top_p: expected one field of this name, got another");
}

TEST_F(CaptionsRoute, FieldsOfFormsAreShort) {
  const auto refusal = [&](const std::string& name, const std::string& text) {
    return message(client().Post("/v1/captions", httplib::MultipartFormDataItems{{name, text, "", ""}}));
  };
  const std::string nested(100'000, '[');
  EXPECT_EQ(refusal("befor", nested), "befor: is not a key of this request (did you mean before?)");
  EXPECT_EQ(refusal("stop_ids", "[" + std::string(5000, ' ') + "]"),
            "stop_ids: expected at most 4096 bytes, got 5002");
  EXPECT_EQ(refusal("model", std::string(5000, 'x')), "model: expected at most 4096 bytes, got 5000");
  EXPECT_THAT(refusal("question", std::string(8193, 'x')),
              HasSubstr("question: expected at most 8192 bytes"));
  EXPECT_THAT(refusal("top_k", std::string(20, '[') + std::string(20, ']')), HasSubstr("top_k: expected"));
}

TEST_F(CaptionsRoute, NamesOfFilesInFormsAreNoImages) {
  const httplib::MultipartFormDataItems form{{"before", "before.png", "", ""}, {"after", png(), "a.png", ""}};
  EXPECT_EQ(
      message(client().Post("/v1/captions", form)),
      "before: expected an image, got the text \"before.png\" (send the image itself, not the name of its "
      "file: -F before=@FILE)");
}

TEST_F(CaptionsRoute, RefusesFormsThatAreNone) {
  const auto refusal = [&](const std::string& body) {
    const auto result = client().Post("/v1/captions", body, "multipart/form-data; boundary=xyz");
    EXPECT_EQ(result->status, 400);
    return message(result);
  };
  EXPECT_EQ(refusal("hello"), "multipart/form-data: expected the boundary first, got other bytes");
  EXPECT_EQ(refusal("--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb"),
            "multipart/form-data: expected the boundary at the end, got the end of the body");
  EXPECT_EQ(refusal("--xyz\r\nContent-Type: text/plain\r\n\r\nb\r\n--xyz--"),
            "multipart/form-data: expected a name in each part, got none");
  const auto none = client().Post("/v1/captions", "x", "multipart/form-data");
  EXPECT_EQ(message(none), "multipart/form-data: expected a boundary in Content-Type, got none");
}

TEST_F(CaptionsRoute, RefusesWrongRequests) {
  const auto bad_json = client().Post("/v1/captions", "{\"before\":", "application/json");
  EXPECT_EQ(bad_json->status, 400);
  EXPECT_THAT(message(bad_json), HasSubstr("body"));
  EXPECT_EQ(client().Post("/v1/captions", "[1]", "application/json")->status, 400);
  expect_refused({{"befor", "x"}}, 422, "befor: is not a key of this request (did you mean before?)");
  expect_refused({{"before", 5}}, 422, "before: expected an image in Base64 or as a data URI, got 5");
  expect_refused({{"before", ""}}, 422, "before: expected an image, got none");
  expect_refused({{"before", page::base64("not an image")}}, 422, "before: expected");
  expect_refused(
      {{"after", "https://example.org/a.png"}}, 422,
      "after: expected a data URI, got the address \"https://example.org/a.png\" (the server fetches "
      "nothing: send the image itself)");
  expect_refused({{"after", page::base64(png().substr(0, 60))}}, 422, "after: ");
  expect_refused({{"locate", "yes"}}, 422, "request: locate: expected true or false, got");
  for (const int64_t tokens : {0, 513, 1'000'000}) {
    expect_refused({{"max_new_tokens", tokens}}, 422,
                   fmt::format("max_new_tokens: expected 1 to 512, got {}", tokens));
  }
  expect_refused({{"min_new_tokens", 513}}, 422, "min_new_tokens: expected 0 to 512, got 513");
  expect_refused({{"beams", 9}}, 422, "beams: expected 1 to 8, got 9");
  expect_refused({{"beams", 2}, {"temperature", 1.0}}, 422, "beams");
  expect_refused({{"question", std::string(8193, 'x')}}, 422, "question: expected at most 8192 bytes");
  expect_refused({{"model", "gpt"}}, 404, "model: expected fake, got gpt");
}

TEST_F(CaptionsRoute, DefaultsOfTheModelAreCutToTheLimits) {
  model->defaults = {.max_new_tokens = 4096, .min_new_tokens = 600, .beams = 16};
  EXPECT_EQ(post("/v1/captions", pair_json())->status, 200);
  auto asked = model->last_job().request.generation;
  EXPECT_EQ(asked.max_new_tokens, 512);
  EXPECT_EQ(asked.min_new_tokens, 512);
  EXPECT_EQ(asked.beams, 8);
  auto few = pair_json();
  few["max_new_tokens"] = 5;
  EXPECT_EQ(post("/v1/captions", few)->status, 200);
  const auto resolved = generate::decoding_config(model->last_job().request.generation, model->defaults);
  EXPECT_EQ(resolved.max_new_tokens, 5);
  EXPECT_EQ(resolved.min_new_tokens, 5)
      << "who asks for few tokens does not know the model's smallest number";
  model->defaults = {.max_new_tokens = 100, .beams = 2};
  EXPECT_EQ(post("/v1/captions", pair_json())->status, 200);
  asked = model->last_job().request.generation;
  EXPECT_EQ(asked.max_new_tokens, std::nullopt);
  EXPECT_EQ(asked.beams, std::nullopt);
}

TEST_F(CaptionsRoute, RefusesPixelsBeforeDecoding) {
  limits.max_pixels = 100;
  TearDown();
  start();
  auto body = pair_json();
  // The header alone tells the size: the rest of the file is missing.
  body["after"] = page::base64(png(20, 30).substr(0, 40));
  const auto result = post("/v1/captions", body);
  EXPECT_EQ(result->status, 422);
  EXPECT_EQ(message(result),
            "after: expected at most 100 pixels, got 30 x 20 (ccexpert-map captions whole scenes)");
}

TEST_F(CaptionsRoute, RefusesCheapValuesAndFullQueuesBeforeDecoding) {
  auto body = pair_json();
  body["after"] = page::base64(png(20, 30).substr(0, 60));
  EXPECT_THAT(message(post("/v1/captions", body)), HasSubstr("after: "));
  const auto refused = [&](const json& change) {
    auto changed = body;
    changed.update(change);
    return message(post("/v1/captions", changed));
  };
  EXPECT_THAT(refused({{"model", "gpt"}}), HasSubstr("model: expected fake"));
  EXPECT_THAT(refused({{"max_new_tokens", 513}}), HasSubstr("max_new_tokens: expected 1 to 512, got 513"));
  EXPECT_THAT(refused({{"beams", 9}}), HasSubstr("beams: expected 1 to 8, got 9"));
  model->full = true;
  EXPECT_EQ(post("/v1/captions", body)->status, 429);
}

TEST_F(CaptionsRoute, RefusalsAreCountedOnceByTheirCode) {
  const auto counted = [&](const std::string& reason, int times) {
    return app->metrics().text().find(fmt::format("ccexpert_refused_total{{reason=\"{}\"}} {}\n", reason,
                                                  times)) != std::string::npos;
  };
  model->full = true;
  post("/v1/captions", pair_json());
  EXPECT_TRUE(counted("queue_full", 1));
  post("/mcp", {{"jsonrpc", "2.0"},
                {"id", 1},
                {"method", "tools/call"},
                {"params", {{"name", "caption_change"}, {"arguments", pair_json()}}}});
  EXPECT_TRUE(counted("queue_full", 2));
  model->full = false;
  model->fail_later = [] {
    throw generate::ServiceError("it ends", ErrorKind::kResource, generate::ServiceFailure::kStopping);
  };
  auto body = pair_json();
  body["stream"] = true;
  post("/v1/captions", body);
  body["model"] = "gpt";
  post("/v1/captions", body);
  EXPECT_TRUE(counted("stopping", 1));
  EXPECT_TRUE(counted("model_not_found", 1));
}

TEST_F(CaptionsRoute, PixelsAreFreedBeforeTheCaptionIsComplete) {
  model->drops_pairs = model->waits = true;
  std::thread asker([&] {
    auto body = pair_json();
    body["polygons"] = true;
    EXPECT_EQ(json::parse(post("/v1/captions", body)->body)["polygons"].size(), 1);
  });
  for (int i = 0; i < 200 && app->metrics().text().find("ccexpert_connections 1") == std::string::npos; ++i)
    std::this_thread::sleep_for(10ms);
  std::this_thread::sleep_for(200ms);
  EXPECT_EQ(model->job_count(), 1);
  EXPECT_EQ(app->pixels().held(), 0);
  model->waits = false;
  asker.join();
}

TEST_F(CaptionsRoute, PairsWaitForTheMemoryOfPixels) {
  limits.timeout = 0.3;
  limits.max_decoded = 1024;
  TearDown();
  start();
  auto others = std::make_optional(app->pixels().take(1000, [] {}));
  const auto result = post("/v1/captions", pair_json());
  EXPECT_EQ(result->status, 504);
  EXPECT_EQ(model->job_count(), 0);
  others.reset();
  EXPECT_EQ(post("/v1/captions", pair_json())->status, 200);
}

TEST_F(CaptionsRoute, TheDeadlineCountsFromTheHeader) {
  const auto body = pair_json().dump();
  const auto connection = raw();
  ASSERT_TRUE(connection.send(json_head(body.size()) + "\r\n"));
  std::this_thread::sleep_for(300ms);
  const auto later = Clock::now();
  EXPECT_THAT(connection.ask(body), testing::StartsWith("HTTP/1.1 200 "));
  const std::chrono::duration<double> timeout(limits.timeout);
  EXPECT_LT(model->last_job().request.deadline, later + std::chrono::duration_cast<Clock::duration>(timeout));
}

TEST_F(CaptionsRoute, StreamsTokensAndTheAnswer) {
  auto body = pair_json();
  body["stream"] = true;
  const auto result = post("/v1/captions", body);
  ASSERT_EQ(result->status, 200);
  EXPECT_EQ(result->get_header_value("Content-Type"), "text/event-stream; charset=utf-8");
  EXPECT_THAT(result->body, testing::StartsWith("event: token\ndata: {\"text\":\" a\"}\n\nevent: token\n"));
  const std::string mark = "event: done\ndata: ";
  const auto done = result->body.find(mark);
  ASSERT_NE(done, std::string::npos);
  EXPECT_EQ(json::parse(result->body.substr(done + mark.size()))["caption"], "a road .");
}

TEST_F(CaptionsRoute, ErrorsOfTheModelAreRepliesOrEvents) {
  model->full = true;
  auto result = post("/v1/captions", pair_json());
  EXPECT_EQ(result->status, 429);
  EXPECT_EQ(result->get_header_value("Retry-After"), "1");
  EXPECT_EQ(json::parse(result->body)["error"]["type"], "rate_limit_error");
  model->full = false;
  model->fail = [] { fail("/secret/model.safetensors", "is damaged", "", ErrorKind::kInternal); };
  result = post("/v1/captions", pair_json());
  EXPECT_EQ(result->status, 500);
  EXPECT_THAT(result->body, testing::Not(HasSubstr("secret")));
  model->fail = [] { fail("memory", "ran out in /secret", "", ErrorKind::kResource); };
  auto body = pair_json();
  body["stream"] = true;
  result = post("/v1/captions", body);
  EXPECT_EQ(result->status, 503);
  EXPECT_EQ(result->get_header_value("Retry-After"), "1");
  EXPECT_THAT(result->body, testing::Not(HasSubstr("secret")));
}

TEST_F(CaptionsRoute, LateCaptionsAre504AndCancelled) {
  limits.timeout = 0.2;
  TearDown();
  start();
  model->waits = true;
  const auto result = post("/v1/captions", pair_json());
  EXPECT_EQ(result->status, 504);
  EXPECT_EQ(json::parse(result->body)["error"]["type"], "timeout_error");
  EXPECT_EQ(model->cancellations, 1);
}

TEST_F(CaptionsRoute, CaptionsOfClientsThatLeaveAreCancelled) {
  model->waits = true;
  auto connection = raw();
  const auto body = pair_json().dump();
  ASSERT_TRUE(
      connection.send(fmt::format("POST /v1/captions HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                                  "application/json\r\nContent-Length: {}\r\n\r\n{}",
                                  body.size(), body)));
  std::this_thread::sleep_for(150ms);
  EXPECT_EQ(model->cancellations, 0);
  connection.close();
  for (int i = 0; i < 200 && model->cancellations == 0; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(model->cancellations, 1);
}

TEST_F(CaptionsRoute, ModelsThatLoadAre503) {
  app = std::make_unique<App>(config, limits, "9.9");
  app->start();
  model = nullptr;
  EXPECT_EQ(client().Get("/healthz")->status, 200);
  auto result = client().Get("/readyz");
  EXPECT_EQ(result->status, 503);
  EXPECT_EQ(result->get_header_value("Retry-After"), "1");
  result = post("/v1/captions", pair_json());
  EXPECT_EQ(result->status, 503);
  EXPECT_EQ(result->get_header_value("Retry-After"), "1");
  EXPECT_EQ(json::parse(result->body)["error"]["code"], "loading");
}

TEST_F(CaptionsRoute, CaptionsThatAreNotCompletedAreCounted) {
  limits.timeout = 0.2;
  TearDown();
  start();
  model->waits = true;
  EXPECT_EQ(post("/v1/captions", pair_json())->status, 504);
  model->waits = false;
  model->fail = [] { fail("pair", "does not fit the model"); };
  EXPECT_EQ(post("/v1/captions", pair_json())->status, 422);
  const auto text = app->metrics().text();
  EXPECT_THAT(text, HasSubstr("ccexpert_captions_total{finish=\"cancelled\"} 1"));
  EXPECT_THAT(text, HasSubstr("ccexpert_captions_total{finish=\"error\"} 1"));
}

TEST_F(CaptionsRoute, StreamsThatEndWithAnErrorAreCountedByIt) {
  model->fail_later = [] { fail("memory", "ran out", "", ErrorKind::kResource); };
  auto connection = client();
  connection.set_keep_alive(true);
  auto body = pair_json();
  body["stream"] = true;
  const auto result = connection.Post("/v1/captions", body.dump(), "application/json");
  EXPECT_EQ(result->status, 200);
  EXPECT_THAT(result->body, HasSubstr("event: error\n"));
  EXPECT_THAT(connection.Get("/metrics")->body,
              HasSubstr("ccexpert_requests_total{route=\"/v1/captions\",status=\"503\"} 1"));
}

TEST_F(CaptionsRoute, CountsAreInTheMetrics) {
  // The counts of a request come after its answer, but before the next request of its connection.
  auto connection = client();
  connection.set_keep_alive(true);
  EXPECT_EQ(connection.Post("/v1/captions", pair_json().dump(), "application/json")->status, 200);
  EXPECT_EQ(connection.Get("/nowhere/at/all")->status, 404);
  const auto text = connection.Get("/metrics")->body;
  EXPECT_THAT(text, HasSubstr("ccexpert_requests_total{route=\"/v1/captions\",status=\"200\"} 1"));
  EXPECT_THAT(text, HasSubstr("ccexpert_requests_total{route=\"other\",status=\"404\"} 1"));
  EXPECT_THAT(text, HasSubstr("ccexpert_captions_total{finish=\"stop\"} 1"));
  EXPECT_THAT(text, HasSubstr("ccexpert_tokens_total{kind=\"generated\"} 3"));
  EXPECT_THAT(text, HasSubstr("ccexpert_captions_waiting 3"));
  EXPECT_THAT(text, HasSubstr("ccexpert_build_info{version=\"9.9\"} 1"));
}

}  // namespace
}  // namespace ccexpert::serve::test
