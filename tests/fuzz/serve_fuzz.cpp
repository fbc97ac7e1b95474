// Bytes of a connection to the server: requests of HTTP, their forms and JSON, up to the model.
#include <algorithm>
#include <charconv>
#include <memory>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "fuzz/target.h"
#include "serve/app.h"
#include "serve/connection.h"
#include "serve/connection_state.h"

namespace ccexpert::serve {

// The page and its files are not in this program: their routes read nothing of a request.
void add_page_routes(Site& /*site*/) {}

}  // namespace ccexpert::serve

namespace ccexpert::fuzz {
namespace {

using namespace serve;

/// Model that answers before `submit` returns.
class QuickCaptions : public Captions {
 public:
  Cancel submit(CaptionJob job, generate::CaptionEvents events) override {
    expect(job.pair != nullptr, "a job has its pair");
    expect(job.pair->before.height > 0 && job.pair->after.width > 0, "the images of a job have pixels");
    if (events.on_token) events.on_token({.token_id = 7, .logprob = -0.5, .text = " a road"});
    generate::ServedCaption caption;
    caption.text = "a road";
    caption.token_ids = {7};
    caption.finish = FinishReason::kEndToken;
    if (job.request.locate)
      caption.change = LocatedChange{.map = {.grid = 2, .values = {0.0F, 1.0F, 0.5F, 1.0F}}};
    if (job.request.words) caption.words = {{"road", {.grid = 1, .values = {1.0F}}}};
    events.on_done(caption);
    return [] {};
  }
  void expect_place(const std::string& /*client*/) const override {}
  generate::DecodingConfig decoding(const generate::GenerationOptions& options) const override {
    return generate::decoding_config(options, {});
  }
  const ModelFacts& facts() const override { return facts_; }
  CaptionCounts counts() const override { return {}; }
  void drain(std::chrono::milliseconds /*limit*/) override {}

 private:
  ModelFacts facts_{.name = "fake", .description = "d", .engine = "e", .question = "q"};
};

/// Client that sends the input in pieces and keeps all answers.
class Bytes : public ByteStream {
 public:
  Bytes(std::string_view input, size_t piece, StreamEnd end) : input_(input), piece_(piece), end_(end) {}

  Moved read(char* data, size_t size, Clock::time_point /*deadline*/) override {
    const auto count = std::min({size, piece_, input_.size()});
    if (count == 0) return {0, end_};
    std::copy_n(input_.data(), count, data);
    input_.remove_prefix(count);
    return {count};
  }
  Moved read_first(char* data, size_t size, Clock::time_point deadline) override {
    return read(data, size, deadline);
  }
  Moved write(std::string_view text, Clock::time_point /*deadline*/) override {
    answers += text;
    return {text.size()};
  }
  void end_writing() override {}

  std::string answers;

 private:
  std::string_view input_;
  size_t piece_;
  StreamEnd end_;
};

struct Served {
  ServerConfig config = settings();
  RequestLimits limits{.max_pixels = 10'000};
  App app{config, limits, "9.9"};
  Metrics metrics{"9.9"};
  Site site{config, metrics};

  Served() {
    app.take(std::make_unique<QuickCaptions>());
    add_status_routes(site, app);
    add_caption_routes(site, app);
    add_chat_routes(site, app);
    add_mcp_routes(site, app);
  }
  static ServerConfig settings() {
    ServerConfig config{.port = 0};
    config.limits.max_body = 100'000;
    return config;
  }
};

/// Returns the number before `end`, in the base of its digits.
size_t number_of(std::string_view text, int base) {
  size_t number = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), number, base);
  expect(error == std::errc() && end == text.end(), "a length in an answer is a number");
  return number;
}

/// Removes the first `count` bytes of a text, which has them.
std::string_view take(std::string_view& text, size_t count) {
  expect(count <= text.size(), "an answer is as long as it says");
  const auto taken = text.substr(0, count);
  text.remove_prefix(count);
  return taken;
}

/// Removes a text and the mark after it.
std::string_view take_to(std::string_view& text, std::string_view mark) {
  const auto at = text.find(mark);
  expect(at != std::string_view::npos, "an answer is whole");
  const auto taken = take(text, at);
  text.remove_prefix(mark.size());
  return taken;
}

void expect_sentence(std::string_view body) {
  const auto answer = nlohmann::json::parse(body, nullptr, false);
  expect(answer.is_object() && answer.contains("error"), "a refusal is JSON");
  expect_showable(answer["error"]["message"].get_ref<const std::string&>());
}

std::string chunks_of(std::string_view& answers) {
  std::string body;
  while (const auto size = number_of(take_to(answers, "\r\n"), 16)) {
    body += take(answers, size);
    expect(take(answers, 2) == "\r\n", "a chunk has its end");
  }
  expect(take(answers, 2) == "\r\n", "chunks have their end");
  return body;
}

/// Reads all answers, and returns their statuses. `has_heads`: of requests of which some ask for no body.
std::vector<std::string> statuses_of(std::string_view answers, bool has_heads) {
  std::vector<std::string> statuses;
  while (!answers.empty()) {
    const auto head = take_to(answers, "\r\n\r\n");
    expect(head.starts_with("HTTP/1.1 "), "an answer starts with its status");
    const auto status = head.substr(9, 3);
    statuses.emplace_back(status);
    expect(status != "500" && status != "503", "a request is not the server's fault");
    constexpr std::string_view kLength = "\r\nContent-Length: ";
    const auto at = head.find(kLength);
    std::string body;
    if (at != std::string_view::npos) {
      auto rest = head.substr(at + kLength.size());
      const auto length = number_of(rest.substr(0, rest.find('\r')), 10);
      // No body of ours starts as an answer does.
      if (has_heads && (answers.empty() || answers.starts_with("HTTP/1.1 "))) continue;
      body = take(answers, length);
    } else if (head.find("\r\nTransfer-Encoding: chunked") != std::string_view::npos) {
      body = chunks_of(answers);
    } else if (status != "100" && status != "204") {
      body = std::exchange(answers, {});
    }
    if (status >= "400") expect_sentence(body);
  }
  return statuses;
}

std::vector<std::string> served(std::string_view input, size_t piece, StreamEnd end) {
  static Served server;
  ServerState state;
  ConnectionState connection;
  Bytes stream(input, piece, end);
  serve_connection({.stream = stream,
                    .descriptor = -1,
                    .peer = "127.0.0.1",
                    .limits = server.config.limits,
                    .site = server.site,
                    .server = state,
                    .state = connection});
  expect(state.bodies == 0, "no body keeps memory after its connection");
  auto statuses = statuses_of(stream.answers, input.find("HEAD") != std::string_view::npos);
  // A header without its end can be refused, or only be incomplete: Beast looks at it as its bytes come.
  while (!statuses.empty() && statuses.back() == "400") statuses.pop_back();
  return statuses;
}

}  // namespace
}  // namespace ccexpert::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ccexpert::fuzz;
  using ccexpert::serve::StreamEnd;
  const auto input = text_of(data, size);
  const auto whole = served(input, size, StreamEnd::kClosed);
  expect(served(input, 7, StreamEnd::kClosed) == whole, "answers do not depend on how the bytes come");
  const auto slow = served(input, size, StreamEnd::kTimeout);
  expect(slow.size() >= whole.size() && std::equal(whole.begin(), whole.end(), slow.begin()),
         "a client that waits gets the same answers");
  return 0;
}
