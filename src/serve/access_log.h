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
  int status = 0;  ///< 499: the client left
  uint64_t sent = 0;
  double seconds = 0.0;
};

/// Thread-safe. A line that the system refuses is lost: the server goes on.
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
  int opened() const;
  void close() const;

  std::filesystem::path file_;
  std::mutex mutex_;  ///< of `descriptor_`
  int descriptor_ = -1;
};

}  // namespace ccexpert::serve
