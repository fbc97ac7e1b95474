// One line of JSON for each answered request.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>

#include "serve/http.h"

namespace ccexpert::serve {

/// Request that was answered.
struct LoggedRequest {
  const Request& request;
  int status = 0;  ///< 499: the client left; 503 also: the server gave it up as it ended
  uint64_t sent = 0;
  double seconds = 0.0;
};

/// Thread-safe. It waits for nobody: lines that a pipe, terminal or full disk does not take wait for the next
/// call, up to kMostWaiting bytes. Those beyond are lost, and a line {"lost": N} tells how many. A file that
/// it made and that has no line in the end is removed, as after a failed start.
class AccessLog {
 public:
  /// "-": standard output; empty: no log. Throws Error if the file cannot be opened.
  explicit AccessLog(std::filesystem::path file);
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  void add(const LoggedRequest& logged);
  /// Opens the file again, after a rotation moved it.
  void reopen();

 private:
  static constexpr size_t kMostWaiting = size_t{1} << 20;

  int opened();
  bool made_nothing() const;
  void close() const;
  void keep(const std::string& line);
  void write_waiting();
  void tell_failure(int code);

  std::filesystem::path file_;
  std::mutex mutex_;   ///< of the members below
  bool made_ = false;  ///< this object made the file
  int descriptor_ = -1;
  std::string waiting_;
  uint64_t lost_ = 0;
  bool is_told_ = false;  ///< that lines cannot be written
};

}  // namespace ccexpert::serve
