// Counters of a server in Prometheus' text format.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace ccexpert::serve {

/// One answered request.
struct ServedRequest {
  std::string_view route;  ///< pattern of the path, or "other": clients must not make new series
  int status = 0;
  double seconds = 0.0;
};

/// One caption that was completed.
struct ServedCaption {
  std::string_view finish;  ///< "stop" or "length"
  int64_t prompt_tokens = 0;
  int64_t generated_tokens = 0;
  double queue_seconds = 0.0;
  double seconds = 0.0;  ///< from its start to its end
};

/// Thread-safe.
class Metrics {
 public:
  /// `version` is a label of ccexpert_build_info.
  explicit Metrics(const std::string& version);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  void add(const ServedRequest& request);
  void add(const ServedCaption& caption);
  /// Counts a caption that was not completed. `finish`: "cancelled" or "error".
  void failed(std::string_view finish);
  void refused(std::string_view reason);
  void set_connections(int64_t connections);
  void set_captions(int64_t waiting, int64_t running);

  /// Returns the text of /metrics.
  std::string text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ccexpert::serve
