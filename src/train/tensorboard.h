// Writer of scalars in TensorBoard's event files (protobuf Event messages in TFRecord framing).
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace ccexpert::train {

class TensorBoardWriter {
 public:
  /// Starts a new file in `folder`, as TensorBoard expects for each start of a run. The file tells
  /// TensorBoard to drop values of other files after `step`. Throws Error if it cannot be written.
  TensorBoardWriter(const std::filesystem::path& folder, int64_t step);

  /// Throws Error if the write fails.
  void scalars(int64_t step, const std::map<std::string, double>& values);

 private:
  void record(const std::string& event);

  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace ccexpert::train
