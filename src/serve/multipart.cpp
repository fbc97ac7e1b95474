#include "serve/multipart.h"

#include <optional>

#include "serve/http.h"
#include "serve/replies.h"

namespace ccexpert::serve {
namespace {

constexpr size_t kLongestBoundary = 70;  // RFC 2046
constexpr size_t kLongestHead = 4096;

[[noreturn]] void refuse(std::string_view problem) {
  throw HttpError(400, "multipart/form-data: " + std::string(problem), "bad_form");
}

/// Returns the value of `key="value"` or `key=value` after a ";".
std::optional<std::string> parameter(std::string_view header, std::string_view key) {
  for (size_t at = header.find(';'); at != std::string_view::npos;) {
    auto rest = trimmed(header.substr(at + 1));
    const auto equals = rest.find_first_of("=;");
    if (equals == std::string_view::npos) return std::nullopt;
    if (rest[equals] == ';') {  // a word without a value
      at = static_cast<size_t>(rest.data() - header.data()) + equals;
      continue;
    }
    const bool found = same_word(trimmed(rest.substr(0, equals)), key);
    rest = rest.substr(equals + 1);
    std::string value;
    size_t end = 0;
    if (rest.starts_with('"')) {
      for (end = 1; end < rest.size() && rest[end] != '"'; ++end) {
        if (rest[end] == '\\' && end + 1 < rest.size()) ++end;
        value += rest[end];
      }
    } else {
      end = std::min(rest.find(';'), rest.size());
      value = std::string(trimmed(rest.substr(0, end)));
    }
    if (found) return value;
    const auto next = rest.find(';', end);
    if (next == std::string_view::npos) return std::nullopt;
    at = static_cast<size_t>(rest.data() - header.data()) + next;
  }
  return std::nullopt;
}

FormPart part_of(std::string_view head, std::string_view content) {
  FormPart part{.name = {}, .content = content};
  bool named = false;
  while (!head.empty()) {
    const auto end = head.find("\r\n");
    const auto line = head.substr(0, end);
    head = end == std::string_view::npos ? std::string_view() : head.substr(end + 2);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) refuse("expected a header in a part, got another line");
    if (!same_word(line.substr(0, colon), "Content-Disposition")) continue;
    if (const auto name = parameter(line, "name")) {
      part.name = *name;
      named = true;
    }
    part.is_file = parameter(line, "filename").has_value();
  }
  if (!named) refuse("expected a name in each part, got none");
  return part;
}

}  // namespace

std::vector<FormPart> parse_form(std::string_view body, std::string_view content_type) {
  const auto boundary = parameter(content_type, "boundary");
  if (!boundary || boundary->empty() || boundary->size() > kLongestBoundary)
    refuse("expected a boundary in Content-Type, got none");
  const auto mark = "--" + *boundary, separator = "\r\n" + mark;
  if (!body.starts_with(mark)) refuse("expected the boundary first, got other bytes");
  auto rest = body.substr(mark.size());
  std::vector<FormPart> parts;
  while (!rest.starts_with("--")) {
    if (!rest.starts_with("\r\n")) refuse("expected a line end after the boundary, got other bytes");
    if (parts.size() == kMostParts) refuse("expected at most 64 parts, got more");
    // A part without headers starts with the blank line.
    const auto head_end = rest.substr(0, kLongestHead).find("\r\n\r\n");
    if (head_end == std::string_view::npos) refuse("expected headers and a blank line, got neither");
    const auto start = head_end + 4;
    const auto end = rest.find(separator, start);
    if (end == std::string_view::npos) refuse("expected the boundary at the end, got the end of the body");
    const auto head = head_end < 2 ? std::string_view() : rest.substr(2, head_end - 2);
    parts.push_back(part_of(head, rest.substr(start, end - start)));
    rest = rest.substr(end + separator.size());
  }
  return parts;
}

}  // namespace ccexpert::serve
