// Server over loopback with a model that says what the test wants.
#pragma once

#include <atomic>
#include <cerrno>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <ccexpert/image/decode.h>

#include "page/html.h"
#include "serve/app.h"
#include "serve/replies.h"

namespace ccexpert::serve::test {

using nlohmann::json;
using namespace std::chrono_literals;

/// Model that says "a road ." for every pair, or fails or waits as told.
class FakeCaptions : public Captions {
 public:
  ~FakeCaptions() override {
    for (auto& each : threads_) each.join();
  }

  Cancel submit(CaptionJob job, generate::CaptionEvents events) override {
    expect_place(job.request.client);
    const std::lock_guard lock(mutex_);
    if (drops_pairs) job.pair.reset();
    jobs_.push_back(std::move(job));
    auto cancelled = std::make_shared<std::atomic<bool>>(false);
    threads_.emplace_back([this, request = jobs_.back().request, events = std::move(events), cancelled] {
      work(request, events, *cancelled);
    });
    return [this, cancelled] {
      *cancelled = true;
      ++cancellations;
    };
  }
  void expect_place(const std::string& /*client*/) const override {
    if (full) throw HttpError(429, "2 requests wait already (try again later)", "queue_full");
  }
  generate::DecodingConfig decoding(const generate::GenerationOptions& options) const override {
    return generate::decoding_config(options, defaults);
  }
  const ModelFacts& facts() const override { return facts_; }
  CaptionCounts counts() const override { return {3, 1}; }
  void drain(std::chrono::milliseconds /*limit*/) override {}

  size_t job_count() {
    const std::lock_guard lock(mutex_);
    return jobs_.size();
  }
  CaptionJob last_job() {
    const std::lock_guard lock(mutex_);
    return jobs_.back();
  }

  std::atomic<bool> full = false;
  std::atomic<bool> drops_pairs = false;  ///< as a model that has prepared them
  std::atomic<bool> waits = false;        ///< until it is cancelled or told otherwise
  std::atomic<bool> tells_tokens = true;  ///< false: as a search with beams
  std::atomic<int> cancellations = 0;
  generate::GenerationOptions defaults;  ///< of the checkpoint
  std::function<void()> fail = [] {};
  std::function<void()> fail_later = [] {};  ///< after the tokens

 private:
  void work(const generate::CaptionRequest& request, const generate::CaptionEvents& events,
            const std::atomic<bool>& cancelled) const {
    try {
      fail();
      int64_t id = 7;
      for (const char* text : {" a", " road", " ."}) {
        if (tells_tokens && !request.place_only)
          events.on_token({.token_id = id++, .logprob = -0.5, .text = text});
        while (waits && !cancelled) std::this_thread::sleep_for(5ms);
      }
      fail_later();
      auto caption = request.place_only ? generate::ServedCaption() : road();
      caption.finish = cancelled ? FinishReason::kCancelled : FinishReason::kEndToken;
      if (request.locate || request.place_only) {
        caption.change =
            LocatedChange{.map = {.grid = 2, .values = {0.0F, 0.25F, 0.5F, 1.0F}}, .raw = 0.5, .score = 0.75};
      }
      if (request.words) {
        caption.words = {{"a", {.grid = 2, .values = {1.0F, 0.0F, 0.0F, 0.0F}}},
                         {"road", {.grid = 2, .values = {0.0F, 1.0F, 0.0F, 0.0F}}}};
      }
      events.on_done(caption);
    } catch (const generate::ServiceError& error) {
      events.on_error(error);
    } catch (const Error& error) {
      events.on_error({error.what(), error.kind(), generate::ServiceFailure::kRequest});
    }
  }

  static generate::ServedCaption road() {
    generate::ServedCaption caption;
    caption.text = "a road .";
    caption.token_ids = {7, 8, 9};
    caption.logprob = -1.5;
    caption.prompt_tokens = 40;
    caption.queue_seconds = 0.25;
    caption.compute_seconds = 0.5;
    caption.seconds = 0.75;
    return caption;
  }

  std::mutex mutex_;
  std::vector<CaptionJob> jobs_;
  std::vector<std::thread> threads_;
  ModelFacts facts_{.name = "fake", .description = "d", .engine = "e", .question = "q", .created = 5};
};

/// Socket to the server, for requests that no client sends.
class RawClient {
 public:
  explicit RawClient(int port) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    EXPECT_EQ(::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const timeval patience{.tv_sec = 5, .tv_usec = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool send(std::string_view text) const {
    return ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL) == std::ssize(text);
  }
  /// Returns what the server sends until it closes.
  std::string all() const {
    std::string text;
    for (std::string piece = some(); !piece.empty(); piece = some()) text += piece;
    return text;
  }
  /// Returns the next bytes; "" at the end. Fails the test if the server neither sends nor closes.
  std::string some() const {
    char bytes[4096];
    const auto got = ::recv(descriptor_, bytes, sizeof bytes, 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) ADD_FAILURE() << "the connection is still open";
    return got > 0 ? std::string(bytes, static_cast<size_t>(got)) : std::string();
  }
  std::string ask(std::string_view text) const {
    EXPECT_TRUE(send(text));
    return all();
  }
  void close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }

 private:
  int descriptor_;
};

/// Returns a PNG file of one colour.
inline std::string png(int64_t height = 4, int64_t width = 6, uint8_t value = 90) {
  const image::Image image{height, width,
                           std::vector<uint8_t>(static_cast<size_t>(3 * height * width), value)};
  return image::encode_png(image.view());
}

/// Returns a PNG file that compression makes no smaller than its pixels.
inline std::string noise_png(int64_t side) {
  image::Image image{side, side, std::vector<uint8_t>(static_cast<size_t>(3 * side * side))};
  std::mt19937 generator(5);
  for (auto& value : image.pixels) value = static_cast<uint8_t>(generator());
  return image::encode_png(image.view());
}

/// Returns the header of a request of JSON, without its last, empty line.
inline std::string json_head(size_t length) {
  return fmt::format(
      "POST /v1/captions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: {}\r\nConnection: close\r\n",
      length);
}

inline json pair_json() {
  return {{"before", page::base64(png())},
          {"after", "data:image/png;base64," + page::base64(png(4, 6, 200))}};
}

class ServerTest : public ::testing::Test {
 protected:
  void start() {
    config.port = 0;
    app = std::make_unique<App>(config, limits, "9.9");
    auto made = std::make_unique<FakeCaptions>();
    model = made.get();
    app->take(std::move(made));
    app->start();
  }
  void TearDown() override {
    if (model != nullptr) model->waits = false;
    app.reset();
  }

  httplib::Client client() const {
    httplib::Client made("127.0.0.1", app->port());
    made.set_read_timeout(5);
    return made;
  }
  RawClient raw() const { return RawClient(app->port()); }

  httplib::Result post(const std::string& path, const json& body) const {
    return client().Post(path, body.dump(), "application/json");
  }
  /// Returns the message of an error.
  static std::string message(const httplib::Result& result) {
    return json::parse(result->body)["error"]["message"];
  }

  ServerConfig config;
  RequestLimits limits;
  std::unique_ptr<App> app;
  FakeCaptions* model = nullptr;
};

}  // namespace ccexpert::serve::test
