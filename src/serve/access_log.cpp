#include "serve/access_log.h"

#include <cerrno>
#include <chrono>
#include <cmath>
#include <utility>

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <ccexpert/core/error.h>

#include "core/printable.h"
#include "serve/replies.h"

namespace ccexpert::serve {
namespace {

/// Longest text of a client in a line.
constexpr size_t kLongestText = 256;

std::string now_text() {
  const auto now = std::chrono::system_clock::now();
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  return fmt::format("{:%FT%T}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(now)), milliseconds);
}

std::string shown(std::string_view text) {
  return shortened(printable(text), kLongestText);
}

std::string line_of(const LoggedRequest& logged) {
  const auto& request = logged.request;
  nlohmann::ordered_json line{{"time", now_text()},
                              {"id", request.id},
                              {"peer", request.peer},
                              {"method", shown(request.method)},
                              {"path", shown(request.path)},
                              {"status", logged.status},
                              {"received", request.received},
                              {"sent", logged.sent},
                              {"seconds", std::round(logged.seconds * 1e4) / 1e4}};
  if (!request.key.empty()) line["key"] = shown(request.key);
  if (const auto agent = request.header("User-Agent"); !agent.empty()) line["agent"] = shown(agent);
  return json_text(line) + "\n";
}

}  // namespace

AccessLog::AccessLog(std::filesystem::path file) : file_(std::move(file)), descriptor_(opened()) {}
AccessLog::~AccessLog() {
  close();
}

int AccessLog::opened() const {
  if (file_.empty()) return -1;
  if (file_ == "-") return STDOUT_FILENO;
  const int descriptor = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (descriptor < 0) fail_system(file_.string(), "cannot be written", errno);
  return descriptor;
}

void AccessLog::close() const {
  if (descriptor_ > STDERR_FILENO) ::close(descriptor_);
}

void AccessLog::add(const LoggedRequest& logged) {
  const std::lock_guard lock(mutex_);
  if (descriptor_ < 0) return;
  const auto line = line_of(logged);
  [[maybe_unused]] const auto written = ::write(descriptor_, line.data(), line.size());
}

void AccessLog::reopen() {
  const std::lock_guard lock(mutex_);
  const int next = opened();
  close();
  descriptor_ = next;
}

}  // namespace ccexpert::serve
