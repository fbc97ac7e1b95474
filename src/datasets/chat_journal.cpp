#include "datasets/chat_journal.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <ccexpert/core/error.h>

#include "core/json.h"
#include "datasets/list_writer.h"

namespace ccexpert::datasets {
namespace {

using nlohmann::json;

std::string text_of(const TextKey& key) {
  return fmt::format("{:016x}{:016x}", key.high, key.low);
}

std::optional<TextKey> key_of(const std::string& text) {
  if (text.size() != 32 || text.find_first_not_of("0123456789abcdef") != std::string::npos)
    return std::nullopt;
  return TextKey{std::stoull(text.substr(16), nullptr, 16), std::stoull(text.substr(0, 16), nullptr, 16)};
}

}  // namespace

ChatJournal::ChatJournal(std::filesystem::path path) : path_(std::move(path)) {
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(path_.string(), "cannot be written", std::strerror(errno));
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
  std::string line;
  off_t whole = 0;
  for (size_t number = 1; std::getline(stream, line); ++number) {
    if (stream.eof()) break;  // without its line end: cut short
    const auto where = fmt::format("{}: line {}", path_.string(), number);
    const auto entry = parse_json(line, where);
    const auto key = key_of(entry.is_object() ? json_value<std::string>(entry, "request", "", where) : "");
    if (!key) fail({where, "an answer of a journal of annotate", fmt::format("'{:.60}'", line)});
    answers_[*key] = {json_value<std::string>(entry, "answer", "", where),
                      json_value<std::string>(entry, "finish", "stop", where),
                      json_value<int64_t>(entry, "prompt_tokens", 0, where),
                      json_value<int64_t>(entry, "answer_tokens", 0, where)};
    whole += static_cast<off_t>(line.size()) + 1;
  }
  if (::ftruncate(descriptor_, whole) != 0) fail(path_.string(), "cannot be written", std::strerror(errno));
}

std::optional<ChatAnswer> ChatJournal::find(const std::string& request) const {
  const std::lock_guard lock(mutex_);
  const auto found = answers_.find(text_key(request));
  return found == answers_.end() ? std::nullopt : std::optional(found->second);
}

void ChatJournal::add(const std::string& request, const ChatAnswer& answer) {
  const auto key = text_key(request);
  const auto line = json_line({{"request", text_of(key)},
                               {"answer", answer.text},
                               {"finish", answer.finish},
                               {"prompt_tokens", answer.prompt_tokens},
                               {"answer_tokens", answer.answer_tokens}}) +
                    "\n";
  const std::lock_guard lock(mutex_);
  answers_[key] = answer;
  size_t written = 0;
  while (written < line.size()) {
    const auto count = ::write(descriptor_, line.data() + written, line.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(path_.string(), "cannot be written", std::strerror(errno));
    written += static_cast<size_t>(count);
  }
  if (::fdatasync(descriptor_) != 0 && errno != EINVAL)
    fail(path_.string(), "cannot be flushed to disk", std::strerror(errno));
}

}  // namespace ccexpert::datasets
