// Answers that were paid for, by what was asked.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <unordered_map>

#include <sys/types.h>

#include "datasets/chat_client.h"
#include "datasets/sink.h"

namespace ccexpert::datasets {

/// The journal cannot be written: what is paid for from here on would be lost.
class JournalError : public FatalError {
 public:
  using FatalError::FatalError;
};

/// A file of JSON Lines that grows by one for every answer. A line that was cut short, by a kill or a full
/// disk, is dropped. May be called from several threads.
class ChatJournal {
 public:
  /// Reads what is there, and holds the file against other processes. Throws Error where that is not
  /// possible, or the file is something else.
  explicit ChatJournal(std::filesystem::path path);
  ~ChatJournal();
  ChatJournal(const ChatJournal&) = delete;
  ChatJournal& operator=(const ChatJournal&) = delete;

  /// The answer to what has this key, nullptr where there is none; it stays where it is.
  const ChatAnswer* find(const TextKey& request) const;
  bool empty() const;

  /// The answer is on disk when this returns. Throws JournalError, and leaves whole lines alone in the file.
  void add(const TextKey& request, const ChatAnswer& answer);

 private:
  void read();
  void read_line(const std::string& line, const std::string& where);
  void append(const std::string& line);

  std::filesystem::path path_;
  int descriptor_ = -1;
  off_t whole_ = 0;  ///< bytes of whole lines
  mutable std::mutex mutex_;
  std::unordered_map<TextKey, ChatAnswer, TextKeyHash> answers_;
};

}  // namespace ccexpert::datasets
