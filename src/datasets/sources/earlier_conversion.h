// Files that an earlier conversion wrote into a folder, as distinct from others.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace ccexpert::datasets {

constexpr const char* kDescription = "conversion.json";
constexpr const char* kMadeBy = "ccexpert-data convert";

class EarlierConversion {
 public:
  /// Reads the folder's description, if it exists. Throws Error if another program wrote it.
  explicit EarlierConversion(const std::filesystem::path& folder);

  /// True if it wrote a file or a folder of this name.
  bool wrote(const std::string& name) const { return names_.contains(name); }

  const std::set<std::string>& names() const { return names_; }

  /// Throws Error if a file of this name exists that it did not write; `what` is the expected kind of file.
  void expect_own(const std::string& name, std::string_view what) const;

  /// Removes the file or folder `name` if it wrote it. Throws Error if removal fails.
  void remove(const std::string& name) const;

 private:
  void add_names_by_split(const nlohmann::json& description);

  std::filesystem::path folder_;
  std::set<std::string> names_;
};

}  // namespace ccexpert::datasets
