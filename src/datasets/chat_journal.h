// Answers that were paid for, by what was asked.
#pragma once

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "datasets/chat_client.h"
#include "datasets/sink.h"

namespace ccexpert::datasets {

/// A file of JSON Lines that grows by one for every answer. A last line that was cut short is dropped. May be
/// called from several threads.
class ChatJournal {
 public:
  /// Reads what is there, and holds the file against other processes. Throws Error where that is not
  /// possible, or the file is something else.
  explicit ChatJournal(std::filesystem::path path);
  ~ChatJournal();
  ChatJournal(const ChatJournal&) = delete;
  ChatJournal& operator=(const ChatJournal&) = delete;

  std::optional<ChatAnswer> find(const std::string& request) const;

  /// The answer is on disk when this returns.
  void add(const std::string& request, const ChatAnswer& answer);

 private:
  void read();

  std::filesystem::path path_;
  int descriptor_ = -1;
  mutable std::mutex mutex_;
  std::unordered_map<TextKey, ChatAnswer, TextKeyHash> answers_;
};

}  // namespace ccexpert::datasets
