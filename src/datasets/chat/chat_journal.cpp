#include "datasets/chat/chat_journal.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <ccexpert/core/error.h>

#include "core/json.h"
#include "datasets/lists/list_writer.h"

namespace ccexpert::datasets {
namespace {

using nlohmann::json;

constexpr std::string_view kStart = R"({"request":)";

std::string text_of(const TextKey& key) {
  return fmt::format("{:016x}{:016x}", key.high, key.low);
}

std::optional<TextKey> key_of(const std::string& text) {
  if (text.size() != 32 || text.find_first_not_of("0123456789abcdef") != std::string::npos)
    return std::nullopt;
  return TextKey{std::stoull(text.substr(16), nullptr, 16), std::stoull(text.substr(0, 16), nullptr, 16)};
}

/// True if the line is an answer, complete or truncated.
bool begins_as_answer(std::string_view line) {
  return line.starts_with(kStart) || kStart.starts_with(line);
}

[[noreturn]] void fail_as_foreign(const std::string& where, const std::string& line) {
  fail_expected({where, "an answer from an annotate journal", fmt::format("'{:.60}'", line)});
}

std::optional<int64_t> count_of(const json& entry, const char* key) {
  const auto found = entry.find(key);
  return found != entry.end() && found->is_number_integer() ? std::optional(found->get<int64_t>())
                                                            : std::nullopt;
}

json count_json(const std::optional<int64_t>& count) {
  return count ? json(*count) : json(nullptr);
}

}  // namespace

ChatJournal::ChatJournal(std::filesystem::path path) : path_(std::move(path)) {
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail_system(path_.string(), "cannot be written", errno);
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(descriptor_);
    fail(path_.string(), "another process is writing it");
  }
  try {
    read();
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

ChatJournal::~ChatJournal() {
  ::close(descriptor_);
}

void ChatJournal::read() {
  std::ifstream stream(path_, std::ios::binary);
  // Fail here so that an unreadable file is not truncated below.
  if (!stream.is_open()) fail_system(path_.string(), "cannot be read", errno);
  std::string line;
  for (size_t number = 1; std::getline(stream, line); ++number) {
    const auto where = fmt::format("{}: line {}", path_.string(), number);
    if (stream.eof()) {  // no line end: truncated
      if (!begins_as_answer(line)) fail_as_foreign(where, line);
      break;
    }
    read_line(line, where);
    whole_ += static_cast<off_t>(line.size()) + 1;
  }
  if (stream.bad()) fail(path_.string(), "cannot be read");
  if (::ftruncate(descriptor_, whole_) != 0) fail_system(path_.string(), "cannot be written", errno);
}

void ChatJournal::read_line(const std::string& line, const std::string& where) {
  // An answer may follow one that a full disk truncated. Texts cannot contain kStart: their quotes are
  // escaped.
  const auto start = line.rfind(kStart);
  if (start == std::string::npos) fail_as_foreign(where, line);
  const auto entry = parse_json(std::string_view(line).substr(start), where);
  const auto key = key_of(json_value<std::string>(entry, "request", "", where));
  if (!key) fail_as_foreign(where, line);
  answers_[*key] = {json_value<std::string>(entry, "answer", "", where),
                    json_value<std::string>(entry, "finish", "stop", where), count_of(entry, "prompt_tokens"),
                    count_of(entry, "answer_tokens")};
}

const ChatAnswer* ChatJournal::find(const TextKey& request) const {
  const std::lock_guard lock(mutex_);
  const auto found = answers_.find(request);
  return found == answers_.end() ? nullptr : &found->second;
}

bool ChatJournal::empty() const {
  const std::lock_guard lock(mutex_);
  return answers_.empty();
}

void ChatJournal::add(const TextKey& request, const ChatAnswer& answer) {
  const auto line = json_line({{"request", text_of(request)},
                               {"answer", answer.text},
                               {"finish", answer.finish},
                               {"prompt_tokens", count_json(answer.prompt_tokens)},
                               {"answer_tokens", count_json(answer.answer_tokens)}}) +
                    "\n";
  const std::lock_guard lock(mutex_);
  append(line);
  answers_[request] = answer;
}

void ChatJournal::append(const std::string& line) {
  size_t written = 0;
  while (written < line.size()) {
    const auto count = ::write(descriptor_, line.data() + written, line.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int reason = errno;
      // Otherwise the next answer would be appended to half of this one. If this fails too, read_line repairs
      // it.
      if (::ftruncate(descriptor_, whole_) != 0) errno = reason;
      throw JournalError(fmt::format("{}: cannot be written: {}", path_.string(), std::strerror(reason)));
    }
    written += static_cast<size_t>(count);
  }
  whole_ += static_cast<off_t>(line.size());
  if (::fdatasync(descriptor_) != 0 && errno != EINVAL)
    throw JournalError(
        fmt::format("{}: cannot be flushed to disk: {}", path_.string(), std::strerror(errno)));
}

}  // namespace ccexpert::datasets
