// Scalars as TensorBoard's event files hold them (TFRecord framing around Event messages of protobuf).
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace ccexpert::train {

class TensorBoardWriter {
 public:
  /// Begins a file of its own in `folder`, as TensorBoard expects of each start of a run, which tells it to
  /// drop what other files there say behind `step`. Throws Error where it cannot be written.
  TensorBoardWriter(const std::filesystem::path& folder, int64_t step);

  /// Throws Error where the system refuses.
  void scalars(int64_t step, const std::map<std::string, double>& values);

 private:
  void record(const std::string& event);

  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace ccexpert::train
