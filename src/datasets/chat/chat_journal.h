// Journal of paid answers, indexed by request.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <unordered_map>

#include <sys/types.h>

#include "datasets/chat/chat_client.h"
#include "datasets/sources/sink.h"

namespace ccexpert::datasets {

/// The journal cannot be written: later paid answers would be lost.
class JournalError : public FatalError {
 public:
  using FatalError::FatalError;
};

/// JSON Lines file with one line per answer. A line truncated by a kill or a full disk is dropped.
/// Thread-safe.
class ChatJournal {
 public:
  /// Reads existing answers and locks the file against other processes. Throws Error if that fails or the
  /// file is not a journal.
  explicit ChatJournal(std::filesystem::path path);
  ~ChatJournal();
  ChatJournal(const ChatJournal&) = delete;
  ChatJournal& operator=(const ChatJournal&) = delete;

  /// Returns the answer to the request with this key, or nullptr; the pointer stays valid.
  const ChatAnswer* find(const TextKey& request) const;
  bool empty() const;

  /// Writes the answer to disk before it returns. Throws JournalError and then leaves only whole lines in the
  /// file.
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
