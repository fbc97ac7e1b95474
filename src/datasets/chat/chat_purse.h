// Budgeted chat client: journals every paid answer and stops at max_cost.
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

#include "datasets/chat/chat_client.h"
#include "datasets/chat/chat_journal.h"
#include "datasets/shared/annotate.h"
#include "datasets/sources/sink.h"

namespace ccexpert::datasets {

/// Thrown if another answer could exceed max_cost.
struct Spent {};

/// Thrown if the journal lacks an answer during recall, which sends no requests.
struct Unpaid {};

struct ChatTokens {
  int64_t prompt = 0;
  int64_t answer = 0;
};

/// Returns the cost of tokens at the prices of options.
double cost_of(const EndpointOptions& endpoint, const ChatTokens& tokens);

/// Estimates the tokens of texts and images without the model's tokenizer.
int64_t estimated_tokens(const nlohmann::ordered_json& messages);

/// Sends requests through the journal and accounts for their cost. Thread-safe.
class ChatPurse {
 public:
  ChatPurse(const AnnotateOptions& options, std::stop_token stop);

  /// Returns the answer's text from the journal or from a paid request. Waits for an identical request in
  /// flight. An error that ends the run for one thread ends it for all. Throws as ChatClient::ask,
  /// JournalError and Spent.
  std::string ask(const nlohmann::ordered_json& messages);

  /// Returns the answer's text from the journal alone and adds it to the account. Throws Unpaid.
  std::string recall(const nlohmann::ordered_json& messages);

  /// True if the cost of earlier runs must be counted before the first request.
  bool needs_recall() const;

  /// Returns the counts and costs of the run.
  AnnotateSummary summary() const;

 private:
  /// Request with its estimated tokens.
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
  const Secret secret_;  ///< journals of older versions may contain the key
  ChatJournal journal_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;                              ///< an answer arrived or failed
  std::unordered_map<TextKey, double, TextKeyHash> on_the_way_;  ///< maximum costs of requests in flight
  std::unordered_set<TextKey, TextKeyHash> counted_;             ///< answers already in the account
  std::optional<double> prompt_scale_;  ///< highest ratio of a prompt's tokens to its estimate
  std::exception_ptr end_;              ///< error that ends the run
  ChatTokens all_;
  ChatTokens earlier_;  ///< the part of `all_` that earlier runs paid for
  AnnotateSummary summary_;
};

}  // namespace ccexpert::datasets
