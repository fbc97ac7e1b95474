// What an earlier conversion wrote into a folder, and what somebody else did.
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
  /// Reads the folder's description, if there is one. Throws Error for one of another program.
  explicit EarlierConversion(const std::filesystem::path& folder);

  /// Whether it wrote a file or a folder of this name.
  bool wrote(const std::string& name) const { return names_.contains(name); }

  const std::set<std::string>& names() const { return names_; }

  /// Throws Error where something of this name is there that it did not write; `what` says what it should be.
  void expect_own(const std::string& name, std::string_view what) const;

  /// Removes what it wrote. Throws Error where the system refuses.
  void remove(const std::string& name) const;

 private:
  void add_names_by_split(const nlohmann::json& description);

  std::filesystem::path folder_;
  std::set<std::string> names_;
};

}  // namespace ccexpert::datasets
