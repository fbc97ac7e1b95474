// Forms with files (RFC 7578).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ccexpert::serve {

/// Field of a form; its text is part of the body.
struct FormPart {
  std::string name;
  bool is_file = false;
  std::string_view content;
};

/// Returns the parts of a body. Throws HttpError 400 for a body that is not such a form, or has more than
/// kMostParts parts.
std::vector<FormPart> parse_form(std::string_view body, std::string_view content_type);

inline constexpr size_t kMostParts = 64;

}  // namespace ccexpert::serve
