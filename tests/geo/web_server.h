// Small local web server: files of a folder, and a webhook.
#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <httplib.h>

namespace ccexpert::test {

/// Serves the files of a folder, and takes POST /alerts.
class WebServer {
 public:
  struct Received {
    std::string body, key, authorization;
  };
  /// Returns the status of the answer to the request with this number, from 0.
  using Status = std::function<int(size_t number)>;

  explicit WebServer(
      const std::filesystem::path& folder, Status status = [](size_t) { return 200; })
      : status_(std::move(status)) {
    server_.set_mount_point("/", folder.string());
    server_.Post("/alerts", [this](const httplib::Request& request, httplib::Response& response) {
      const std::lock_guard lock(mutex_);
      response.status = status_(received_.size());
      received_.push_back({request.body, request.get_header_value("Idempotency-Key"),
                           request.get_header_value("Authorization")});
    });
    // Otherwise stop() waits for connections that clients keep open.
    server_.set_keep_alive_max_count(1);
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~WebServer() {
    server_.stop();
    thread_.join();
  }
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + "/" + path;
  }
  std::vector<Received> received() const {
    const std::lock_guard lock(mutex_);
    return received_;
  }

 private:
  Status status_;
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
  mutable std::mutex mutex_;
  std::vector<Received> received_;
};

}  // namespace ccexpert::test
