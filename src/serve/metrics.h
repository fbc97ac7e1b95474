// Counters of a server in Prometheus' text format.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

namespace ccexpert::generate {
struct ServedCaption;
}

namespace ccexpert::serve {

/// One answered request.
struct ServedRequest {
  std::string_view route;  ///< pattern of the path, or "other": clients must not make new series
  int status = 0;
  double seconds = 0.0;
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
  /// Counts a caption. `finish`: "stop", "length", or "place" for the place of a change alone.
  void add(const generate::ServedCaption& caption, std::string_view finish);
  /// Counts a caption that was not completed. `finish`: "cancelled" or "error".
  void failed(std::string_view finish);
  void refused(std::string_view reason);
  /// Counts an error that a client was told, if it is an HttpError with a code.
  void refused(const std::exception& error);
  void set_connections(int64_t connections);
  void set_captions(int64_t waiting, int64_t running);

  /// Returns the text of /metrics.
  std::string text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ccexpert::serve
