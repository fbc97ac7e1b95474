#include <gmock/gmock.h>
#include <malloc.h>

#include "serve/server_fixture.h"

namespace ccexpert::serve::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

json image_part(uint8_t value) {
  const auto url = "data:image/png;base64," + page::base64(png(4, 6, value));
  return {{"type", "image_url"}, {"image_url", {{"url", url}, {"detail", "high"}}}};
}

json text_part(const std::string& text) {
  return {{"type", "text"}, {"text", text}};
}

json user(json content) {
  return {{"role", "user"}, {"content", std::move(content)}};
}

json chat(json messages) {
  return {{"model", "fake"}, {"messages", std::move(messages)}};
}

json plain_chat() {
  return chat({user({image_part(90), image_part(200), text_part("What changed?")})});
}

/// Returns the chunks of a stream but its last line, [DONE].
std::vector<json> chunks_of(const std::string& stream) {
  std::vector<json> chunks;
  std::istringstream lines(stream);
  std::string last;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    last = line;
    if (line != "data: [DONE]") chunks.push_back(json::parse(line.substr(6)));
  }
  EXPECT_EQ(last, "data: [DONE]");
  return chunks;
}

class ChatRoute : public ServerTest {
 protected:
  void SetUp() override { start(); }

  void expect_refused(const json& body, const std::string& sentence, int status = 422) {
    const auto result = post("/v1/chat/completions", body);
    EXPECT_EQ(result->status, status) << result->body;
    EXPECT_THAT(message(result), HasSubstr(sentence));
  }
};

TEST_F(ChatRoute, AnswersAsOpenAi) {
  auto body = plain_chat();
  body.update(
      {{"max_tokens", 20}, {"temperature", 0}, {"top_p", 0.9}, {"user", "someone"}, {"logprobs", true}});
  const auto result = post("/v1/chat/completions", body);
  ASSERT_EQ(result->status, 200) << result->body;
  const auto answer = json::parse(result->body);
  EXPECT_EQ(answer["object"], "chat.completion");
  EXPECT_EQ(answer["choices"][0]["message"]["content"], "a road .");
  EXPECT_EQ(answer["choices"][0]["message"]["role"], "assistant");
  EXPECT_EQ(answer["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(answer["choices"][0]["logprobs"]["content"][1]["token"], " road");
  EXPECT_EQ(answer["usage"]["total_tokens"], 43);
  const auto job = model->last_job();
  EXPECT_EQ(job.request.question, "What changed?");
  EXPECT_EQ(job.request.generation.max_new_tokens, 20);
  EXPECT_EQ(job.pair->before.pixels.front(), 90);
  EXPECT_EQ(job.pair->after.pixels.front(), 200);
}

TEST_F(ChatRoute, TurnsAndInstructionsReachTheModel) {
  auto messages = json::array({{{"role", "system"}, {"content", "Be"}},
                               {{"role", "developer"}, {"content", "brief."}},
                               user({image_part(90), text_part("Look:"), image_part(200)}),
                               {{"role", "assistant"}, {"content", "a road ."}},
                               user("How wide?")});
  EXPECT_EQ(post("/v1/chat/completions", chat(messages))->status, 200);
  const auto job = model->last_job();
  ASSERT_EQ(job.request.past.size(), 1);
  EXPECT_EQ(job.request.past[0].question, "Be\nbrief.\nLook:");
  EXPECT_EQ(job.request.past[0].answer, "a road .");
  EXPECT_EQ(job.request.question, "How wide?");
}

TEST_F(ChatRoute, StreamsChunks) {
  auto body = plain_chat();
  body.update({{"stream", true}, {"stream_options", {{"include_usage", true}}}});
  const auto chunks = chunks_of(post("/v1/chat/completions", body)->body);
  std::string text;
  ASSERT_EQ(chunks.size(), 6);
  for (const auto& chunk : chunks) {
    EXPECT_EQ(chunk["object"], "chat.completion.chunk");
    EXPECT_EQ(chunk["id"], chunks[0]["id"]);
    if (!chunk["choices"].empty()) text += chunk["choices"][0]["delta"].value("content", "");
  }
  EXPECT_EQ(text, "a road .");
  EXPECT_EQ(chunks[0]["choices"][0]["delta"]["role"], "assistant");
  EXPECT_EQ(chunks[4]["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(chunks[5]["usage"]["completion_tokens"], 3);
}

TEST_F(ChatRoute, CaptionsWithoutTokensHaveNoLogprobs) {
  model->tells_tokens = false;
  auto body = plain_chat();
  body["logprobs"] = true;
  EXPECT_EQ(json::parse(post("/v1/chat/completions", body)->body)["choices"][0]["logprobs"], nullptr);
  body["stream"] = true;
  const auto chunks = chunks_of(post("/v1/chat/completions", body)->body);
  ASSERT_EQ(chunks.size(), 3);
  EXPECT_EQ(chunks[1]["choices"][0]["delta"]["content"], "a road .");
  EXPECT_EQ(chunks[1]["choices"][0]["logprobs"], nullptr);
}

TEST_F(ChatRoute, ChunksOfAnAnswerHaveOneTime) {
  model->waits = true;
  auto body = plain_chat();
  body["stream"] = true;
  std::thread later([this] {
    std::this_thread::sleep_for(1100ms);
    model->waits = false;
  });
  const auto chunks = chunks_of(post("/v1/chat/completions", body)->body);
  later.join();
  ASSERT_EQ(chunks.size(), 5);
  EXPECT_EQ(chunks.front()["created"], chunks.back()["created"]);
}

TEST_F(ChatRoute, RefusesOtherNumbersAndKindsOfImages) {
  expect_refused(chat({user("What changed?")}),
                 "messages: expected two images as data URIs, the earlier one "
                 "first, got 0");
  expect_refused(chat({user({image_part(1)})}), "two images as data URIs, the earlier one first, got 1");
  expect_refused(chat({user({image_part(1), image_part(2), image_part(3)})}),
                 "expected two images, got more");
  const json remote{{"type", "image_url"}, {"image_url", {{"url", "https://example.org/a.png"}}}};
  expect_refused(chat({user({remote, image_part(2)})}),
                 "messages[0]: image_url: expected a data URI, got the");
  const json file{{"type", "image_url"}, {"image_url", {{"url", "file:///etc/passwd"}}}};
  expect_refused(chat({user({file, image_part(2)})}), "the server fetches nothing");
}

TEST_F(ChatRoute, RefusesWhatItCannotFollow) {
  expect_refused({{"model", "fake"}}, "messages: expected a list of messages, got none");
  expect_refused(chat(json::array()), "messages: expected a list of messages, got an empty one");
  for (const std::string key : {"max_tokens", "max_completion_tokens"}) {
    auto many = plain_chat();
    many[key] = 513;
    expect_refused(many, "request: " + key + ": expected 1 to 512, got 513");
  }
  expect_refused(chat({{{"role", "robot"}, {"content", "x"}}}), "messages[0]: role: expected user");
  expect_refused(chat({{{"role", "assistant"}, {"content", "x"}}}),
                 "an answer must follow a message of the user");
  auto body = plain_chat();
  body["n"] = 2;
  expect_refused(body, "n: expected 1, got 2");
  body = plain_chat();
  body["tools"] = json::array({{{"type", "function"}}});
  expect_refused(body, "tools: expected none");
  body = plain_chat();
  body["top_k"] = -1;
  expect_refused(body, "top_k: expected at least 0, got -1");
  body = plain_chat();
  body["stream_options"] = "usage";
  expect_refused(body, "stream_options: expected an object, got");
  body = plain_chat();
  body["response_format"] = {{"type", "json_object"}};
  expect_refused(body, "response_format: expected text");
  body = plain_chat();
  body["model"] = "gpt-4o";
  expect_refused(body, "model: expected fake, got gpt-4o", 404);
  body = plain_chat();
  body["messages"][0]["content"].push_back(text_part(std::string(9000, 'x')));
  expect_refused(body, "messages: expected at most 8192 bytes of text");
}

TEST_F(ChatRoute, NamesOfModelsMayBeEscaped) {
  const auto asked = [&](const std::string& name) {
    return raw().ask(
        fmt::format("GET /v1/models/{} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", name));
  };
  EXPECT_THAT(asked("f%61ke"), StartsWith("HTTP/1.1 200 "));
  for (const char* name : {"f%6", "f%", "f%zzke", "f%-1ke"})
    EXPECT_THAT(asked(name), StartsWith("HTTP/1.1 404 ")) << name;
}

TEST_F(ChatRoute, ListsTheModel) {
  const auto models = json::parse(client().Get("/v1/models")->body);
  EXPECT_EQ(models["data"][0]["id"], "fake");
  EXPECT_EQ(json::parse(client().Get("/v1/models/fake")->body), models["data"][0]);
  EXPECT_EQ(client().Get("/v1/models/other")->status, 404);
}

class McpRoute : public ServerTest {
 protected:
  void SetUp() override { start(); }

  json call(const std::string& method, json parameters, int status = 200) {
    const auto result =
        post("/mcp", {{"jsonrpc", "2.0"}, {"id", 3}, {"method", method}, {"params", std::move(parameters)}});
    EXPECT_EQ(result->status, status);
    auto answer = json::parse(result->body);
    EXPECT_EQ(answer["id"], 3);
    return answer;
  }
};

TEST_F(McpRoute, AgreesOnAVersionAndListsTheTool) {
  const auto answer =
      call("initialize", {{"protocolVersion", "2025-03-26"}, {"capabilities", json::object()}});
  EXPECT_EQ(answer["result"]["protocolVersion"], "2025-03-26");
  EXPECT_EQ(answer["result"]["serverInfo"]["name"], "ccexpert");
  EXPECT_EQ(call("initialize", {{"protocolVersion", "1999-01-01"}})["result"]["protocolVersion"],
            "2025-06-18");
  const auto noted = post("/mcp", {{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}});
  EXPECT_EQ(noted->status, 202);
  EXPECT_EQ(noted->get_header_value("Content-Length"), "0")
      << "a client would wait for the end of the answer";
  EXPECT_EQ(noted->body, "");
  EXPECT_EQ(call("tools/list", json::object())["result"]["tools"][0]["name"], "caption_change");
  EXPECT_EQ(call("ping", json::object())["result"], json::object());
  EXPECT_EQ(client().Get("/mcp")->status, 405);
}

TEST_F(McpRoute, CaptionsAPair) {
  const auto answer = call("tools/call", {{"name", "caption_change"}, {"arguments", pair_json()}});
  EXPECT_EQ(answer["result"]["content"][0]["text"], "a road .");
  EXPECT_EQ(answer["result"]["isError"], false);
  EXPECT_EQ(answer["result"]["structuredContent"]["change_score"], 0.75);
  EXPECT_FALSE(answer["result"]["structuredContent"].contains("change_map"));
}

TEST_F(McpRoute, TakesOnlyTheArgumentsOfItsSchema) {
  for (const auto& [key, value] : {std::pair{"stream", json(true)}, std::pair{"model", json("other")}}) {
    auto arguments = pair_json();
    arguments[key] = value;
    const auto answer = call("tools/call", {{"name", "caption_change"}, {"arguments", arguments}})["result"];
    EXPECT_EQ(answer["isError"], true) << key;
    EXPECT_EQ(
        answer["content"][0]["text"],
        std::string(key) + ": expected before, after, question, locate or max_new_tokens, got another key");
  }
}

TEST_F(McpRoute, AnswersAnArrayOfMessages) {
  const auto message = [](const json& id, const char* method, json parameters) {
    return json{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(parameters)}};
  };
  const json noted{{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}};
  const json pair{{"name", "caption_change"}, {"arguments", pair_json()}};
  const auto result =
      post("/mcp", json::array({message(1, "ping", json::object()), noted, message("b", "tools/call", pair),
                                message(3, "nonsense", json::object())}));
  EXPECT_EQ(result->status, 200);
  const auto answers = json::parse(result->body);
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_EQ(answers[0], (json{{"jsonrpc", "2.0"}, {"id", 1}, {"result", json::object()}}));
  EXPECT_EQ(answers[1]["id"], "b");
  EXPECT_EQ(answers[1]["result"]["content"][0]["text"], "a road .");
  EXPECT_EQ(answers[2]["error"]["code"], -32601);
  const auto partly = post("/mcp", json::array({message(1, "ping", json::object()), 5}));
  EXPECT_EQ(partly->status, 400);
  EXPECT_EQ(json::parse(partly->body)[0]["result"], json::object());
  EXPECT_EQ(json::parse(partly->body)[1]["error"]["message"], "expected a message of JSON-RPC 2.0, got 5");
  EXPECT_EQ(post("/mcp", json::array({noted, noted}))->status, 202);
  for (const auto& count : {size_t{0}, size_t{17}}) {
    const auto refused = post("/mcp", json(count, noted));
    EXPECT_EQ(refused->status, 400) << count;
    EXPECT_THAT(refused->body, HasSubstr(fmt::format("expected 1 to 16 messages, got {}", count)));
  }
}

TEST_F(McpRoute, RefusesVersionsThatItDoesNotSpeak) {
  const auto status = [&](const char* version, const char* method) {
    const json body{{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", json::object()}};
    const auto result = client().Post("/mcp", httplib::Headers{{"MCP-Protocol-Version", version}},
                                      body.dump(), "application/json");
    if (result->status == 400) {
      EXPECT_THAT(result->body,
                  HasSubstr("MCP-Protocol-Version: expected 2025-06-18, 2025-03-26, 2024-11-05, got"));
    }
    return result->status;
  };
  EXPECT_EQ(status("2025-03-26", "ping"), 200);
  EXPECT_EQ(status("1999-01-01", "ping"), 400);
  EXPECT_EQ(status("1999-01-01", "initialize"), 200) << "the version is agreed on by the answer";
}

/// Returns the bytes of the heap that are in use.
size_t heap_bytes() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST_F(McpRoute, CallsThatWaitHoldNoImages) {
  constexpr size_t kCalls = 4;
  model->drops_pairs = model->waits = true;
  const auto image = page::base64(noise_png(600));
  const auto body =
      json{{"jsonrpc", "2.0"},
           {"id", 1},
           {"method", "tools/call"},
           {"params", {{"name", "caption_change"}, {"arguments", {{"before", image}, {"after", image}}}}}}
          .dump();
  const auto head = fmt::format(
      "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: {}\r\nConnection: close\r\n\r\n",
      body.size());
  std::vector<std::unique_ptr<RawClient>> clients;
  const auto before = heap_bytes();
  for (size_t i = 0; i < kCalls; ++i) {
    clients.push_back(std::make_unique<RawClient>(app->port()));
    ASSERT_TRUE(clients.back()->send(head) && clients.back()->send(body));
  }
  for (int i = 0; i < 400 && model->job_count() < kCalls; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(model->job_count(), kCalls);
  EXPECT_LT(heap_bytes(), before + body.size());
  model->waits = false;
  for (const auto& each : clients) EXPECT_THAT(each->all(), HasSubstr("a road ."));
}

TEST_F(McpRoute, TellsErrors) {
  auto arguments = pair_json();
  arguments["before"] = "/etc/passwd";
  auto answer = call("tools/call", {{"name", "caption_change"}, {"arguments", arguments}});
  EXPECT_EQ(answer["result"]["isError"], true);
  EXPECT_THAT(answer["result"]["content"][0]["text"].get<std::string>(), HasSubstr("before: expected"));
  EXPECT_EQ(call("tools/call", {{"name", "rm"}})["error"]["code"], -32602);
  EXPECT_EQ(call("nonsense", json::object())["error"]["code"], -32601);
  EXPECT_EQ(post("/mcp", {{"id", 3}})->status, 400);
  EXPECT_EQ(client().Post("/mcp", "nonsense", "application/json")->status, 400);
}

}  // namespace
}  // namespace ccexpert::serve::test
