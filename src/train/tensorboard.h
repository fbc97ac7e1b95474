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
  /// Begins a file of its own in `folder`, as TensorBoard expects of each start of a run.
  explicit TensorBoardWriter(const std::filesystem::path& folder);

  void scalars(int64_t step, const std::map<std::string, double>& values);

 private:
  void record(const std::string& event);

  std::ofstream file_;
};

}  // namespace ccexpert::train
