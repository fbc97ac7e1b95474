#include "serve/http.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/ascii.h"

namespace ccexpert::serve {
namespace {

constexpr std::array kReasons{std::pair{200, "OK"},
                              std::pair{202, "Accepted"},
                              std::pair{204, "No Content"},
                              std::pair{400, "Bad Request"},
                              std::pair{401, "Unauthorized"},
                              std::pair{403, "Forbidden"},
                              std::pair{404, "Not Found"},
                              std::pair{405, "Method Not Allowed"},
                              std::pair{406, "Not Acceptable"},
                              std::pair{408, "Request Timeout"},
                              std::pair{413, "Content Too Large"},
                              std::pair{415, "Unsupported Media Type"},
                              std::pair{417, "Expectation Failed"},
                              std::pair{422, "Unprocessable Content"},
                              std::pair{429, "Too Many Requests"},
                              std::pair{431, "Request Header Fields Too Large"},
                              std::pair{499, "Client Closed Request"},
                              std::pair{500, "Internal Server Error"},
                              std::pair{503, "Service Unavailable"},
                              std::pair{504, "Gateway Timeout"},
                              std::pair{505, "HTTP Version Not Supported"}};

}  // namespace

std::string_view trimmed(std::string_view text) {
  constexpr const char* kBlanks = " \t\r\n";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ascii_lower_case(a) == ascii_lower_case(b);
}

std::string_view Request::header(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(),
                                  [&](const Header& each) { return same_word(each.name, name); });
  return found == headers.end() ? std::string_view() : std::string_view(found->value);
}

size_t Request::count(std::string_view name) const {
  return static_cast<size_t>(std::count_if(headers.begin(), headers.end(),
                                           [&](const Header& each) { return same_word(each.name, name); }));
}

std::string Request::media_type() const {
  const auto value = header("Content-Type");
  return ascii_lower_case(trimmed(value.substr(0, value.find(';'))));
}

std::string_view reason_of(int status) {
  const auto* found =
      std::find_if(kReasons.begin(), kReasons.end(), [&](const auto& each) { return each.first == status; });
  return found == kReasons.end() ? "Unknown" : found->second;
}

}  // namespace ccexpert::serve
