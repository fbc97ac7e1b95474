#include "serve/access_log.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>

#include "core/printable.h"
#include "core/rounded.h"
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

/// True if a write does not wait.
bool takes_bytes(int descriptor) {
  pollfd poll{.fd = descriptor, .events = POLLOUT, .revents = 0};
  return ::poll(&poll, 1, 0) > 0;
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
                              {"seconds", rounded(logged.seconds, 1e4)}};
  if (!request.key.empty()) line["key"] = shown(request.key);
  if (const auto agent = request.header("User-Agent"); !agent.empty()) line["agent"] = shown(agent);
  return json_text(line) + "\n";
}

}  // namespace

AccessLog::AccessLog(std::filesystem::path file) : file_(std::move(file)), descriptor_(opened()) {}
AccessLog::~AccessLog() {
  write_waiting();
  if (made_nothing()) ::unlink(file_.c_str());
  close();
}

int AccessLog::opened() {
  if (file_.empty()) return -1;
  if (file_ == "-") return STDOUT_FILENO;
  constexpr int kAppend = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
  constexpr mode_t kMode = 0640;
  int descriptor = ::open(file_.c_str(), kAppend | O_EXCL, kMode);
  const bool is_new = descriptor >= 0;
  if (!is_new && errno == EEXIST) descriptor = ::open(file_.c_str(), kAppend, kMode);
  if (descriptor < 0) fail_system(file_.string(), "cannot be written", errno);
  made_ = is_new;
  // Who ends removes no empty log of another. Where files cannot be locked, it stays.
  static_cast<void>(::flock(descriptor, LOCK_SH | LOCK_NB));
  return descriptor;
}

/// True if this object made the file, which is still in its place and empty, and no other one writes there.
bool AccessLog::made_nothing() const {
  struct stat own = {}, there = {};
  return made_ && ::fstat(descriptor_, &own) == 0 && own.st_size == 0 && ::stat(file_.c_str(), &there) == 0 &&
         own.st_dev == there.st_dev && own.st_ino == there.st_ino &&
         ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
}

void AccessLog::close() const {
  if (descriptor_ > STDERR_FILENO) ::close(descriptor_);
}

void AccessLog::add(const LoggedRequest& logged) {
  if (file_.empty()) return;
  const auto line = line_of(logged);
  const std::lock_guard lock(mutex_);
  keep(line);
  write_waiting();
}

void AccessLog::keep(const std::string& line) {
  const auto note = lost_ > 0 ? fmt::format("{{\"time\":\"{}\",\"lost\":{}}}\n", now_text(), lost_) : "";
  if (waiting_.size() + note.size() + line.size() > kMostWaiting) {
    ++lost_;
    return;
  }
  waiting_ += note + line;
  lost_ = 0;
}

/// Writes the lines that wait, as far as the descriptor takes them at once.
void AccessLog::write_waiting() {
  size_t done = 0;
  while (done < waiting_.size() && takes_bytes(descriptor_)) {
    // A pipe that poll(2) calls ready has room for so many bytes.
    const auto some = std::min<size_t>(waiting_.size() - done, PIPE_BUF);
    const auto written = ::write(descriptor_, waiting_.data() + done, some);
    if (written <= 0) {
      if (errno != EAGAIN && errno != EINTR) tell_failure(errno);
      break;
    }
    is_told_ = false;
    done += static_cast<size_t>(written);
  }
  waiting_.erase(0, done);
}

/// Says once that the disk is full or that nobody reads any more, until that has changed.
void AccessLog::tell_failure(int code) {
  if (std::exchange(is_told_, true)) return;
  log::error(fmt::format("access log {}: cannot be written ({}; its lines wait)", file_.string(),
                         std::generic_category().message(code)));
}

void AccessLog::reopen() {
  const std::lock_guard lock(mutex_);
  const int next = opened();
  write_waiting();
  close();
  descriptor_ = next;
}

}  // namespace ccexpert::serve
