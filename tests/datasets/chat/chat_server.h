// Small local chat endpoint.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <httplib.h>
#include <nlohmann/json.hpp>

namespace ccexpert::test {

/// Answers POST /v1/chat/completions with a function; records the requests.
class ChatServer {
 public:
  using Reply = std::function<void(const nlohmann::json& request, httplib::Response& response)>;

  explicit ChatServer(Reply reply) : reply_(std::move(reply)) {
    server_.Post("/v1/chat/completions",
                 [this](const httplib::Request& request, httplib::Response& response) {
                   const auto body = nlohmann::json::parse(request.body);
                   {
                     const std::lock_guard lock(mutex_);
                     requests_.push_back(body);
                     authorization_ = request.get_header_value("Authorization");
                   }
                   reply_(body, response);
                 });
    // Otherwise stop() waits for connections that clients keep open.
    server_.set_keep_alive_max_count(1);
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~ChatServer() {
    server_.stop();
    thread_.join();
  }
  ChatServer(const ChatServer&) = delete;
  ChatServer& operator=(const ChatServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }
  std::vector<nlohmann::json> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::string authorization() const {
    const std::lock_guard lock(mutex_);
    return authorization_;
  }

  /// Sends an answer with 100 prompt tokens and 10 answer tokens.
  static void answer(httplib::Response& response, const std::string& text) {
    const nlohmann::json body{
        {"choices", {{{"message", {{"role", "assistant"}, {"content", text}}}, {"finish_reason", "stop"}}}},
        {"usage", {{"prompt_tokens", 100}, {"completion_tokens", 10}}}};
    response.set_content(body.dump(), "application/json");
  }
  static void refuse(httplib::Response& response, int status, const std::string& message) {
    response.status = status;
    response.set_content(nlohmann::json{{"error", {{"message", message}}}}.dump(), "application/json");
  }

 private:
  Reply reply_;
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
  mutable std::mutex mutex_;
  std::vector<nlohmann::json> requests_;
  std::string authorization_;
};

}  // namespace ccexpert::test
