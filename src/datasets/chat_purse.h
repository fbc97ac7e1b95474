// Who asks pays from here: once for each request, and not beyond max_cost.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include <nlohmann/json.hpp>

#include <ccexpert/datasets/annotate.h>

#include "datasets/chat_client.h"
#include "datasets/chat_journal.h"
#include "datasets/sink.h"

namespace ccexpert::datasets {

/// Thrown where another answer may exceed max_cost.
struct Spent {};

/// Thrown where the journal lacks an answer that nobody is to pay for.
struct Unpaid {};

struct ChatTokens {
  int64_t prompt = 0;
  int64_t answer = 0;
};

/// Money for tokens by the prices of options.
double cost_of(const EndpointOptions& endpoint, const ChatTokens& tokens);

/// Tokens of texts and pictures, as far as they can be told without the model.
int64_t estimated_tokens(const nlohmann::ordered_json& messages);

/// Asks through the journal and keeps the account. May be called from several threads.
class ChatPurse {
 public:
  ChatPurse(const AnnotateOptions& options, std::stop_token stop);

  /// The answer's text, from the journal or paid for now. An equal request that is on its way is waited for.
  /// What ended the run for one thread ends it for all. Throws what ChatClient::ask throws, JournalError, and
  /// Spent.
  std::string ask(const nlohmann::ordered_json& messages);

  /// The same from the journal alone, which puts it on the account. Throws Unpaid.
  std::string recall(const nlohmann::ordered_json& messages);

  /// Whether the limit needs to know what earlier runs paid before anything is asked.
  bool needs_recall() const;

  /// What is known here of the run.
  AnnotateSummary summary() const;

 private:
  /// A request and what it may cost.
  struct Order {
    std::string body;
    TextKey key;
    ChatTokens estimate;
  };

  Order order_of(const nlohmann::ordered_json& messages) const;
  bool may_go_on(const Order& order) const;
  std::optional<std::string> known(const Order& order);
  ChatAnswer paid_answer(const Order& order);
  void settle(const Order& order, const ChatAnswer& answer);
  void release(const Order& order);
  ChatTokens count(const Order& order, const ChatAnswer& answer);
  double charge_of(const Order& order) const;
  bool affords(const Order& order) const;

  const AnnotateOptions& options_;
  std::stop_token stop_;
  ChatClient client_;
  const Secret secret_;  ///< journals may be older than its cutting
  ChatJournal journal_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;                              ///< an answer came, or never will
  std::unordered_map<TextKey, double, TextKeyHash> on_the_way_;  ///< requests, with the most they may cost
  std::unordered_set<TextKey, TextKeyHash> counted_;             ///< answers that are on the account
  std::optional<double> prompt_scale_;  ///< the most tokens that a prompt had, as a multiple of its estimate
  std::exception_ptr end_;              ///< what ends the run
  ChatTokens all_;
  ChatTokens earlier_;  ///< the part of `all_` that earlier runs paid for
  AnnotateSummary summary_;
};

}  // namespace ccexpert::datasets
