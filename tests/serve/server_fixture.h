// Server over loopback.
#pragma once

#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include <ccexpert/image/decode.h>

#include "page/html.h"
#include "serve/app.h"
#include "serve/fake_captions.h"
#include "serve/raw_client.h"

namespace ccexpert::serve::test {

using nlohmann::json;

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
