#include "datasets/chat/chat_purse.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "datasets/lists/list_writer.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

/// A token is about four letters; an image of 512 pixels costs about as much as services charge for a few
/// tiles.
constexpr int64_t kLettersOfToken = 4;
constexpr int64_t kTokensOfImage = 765;

int64_t tokens_of_text(const std::string& text) {
  return text.starts_with("data:image/") ? kTokensOfImage
                                         : static_cast<int64_t>(text.size()) / kLettersOfToken + 1;
}

}  // namespace

double cost_of(const EndpointOptions& endpoint, const ChatTokens& tokens) {
  return 1e-6 * (endpoint.price_in * static_cast<double>(tokens.prompt) +
                 endpoint.price_out * static_cast<double>(tokens.answer));
}

int64_t estimated_tokens(const ordered_json& messages) {
  if (messages.is_string()) return tokens_of_text(messages.get_ref<const std::string&>());
  int64_t tokens = 0;
  if (messages.is_structured()) {
    for (const auto& each : messages) tokens += estimated_tokens(each);
  }
  return tokens;
}

ChatPurse::ChatPurse(const AnnotateOptions& options, std::stop_token stop)
    : options_(options),
      stop_(std::move(stop)),
      client_(options.endpoint),
      secret_(options.endpoint.key),
      journal_(options.journal.empty() ? fs::path(options.output.string() + ".journal.jsonl")
                                       : options.journal) {}

std::string ChatPurse::ask(const ordered_json& messages) {
  const auto order = order_of(messages);
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return may_go_on(order); });
    if (end_) std::rethrow_exception(end_);
    if (auto text = known(order)) {
      ++summary_.from_journal;
      return secret_.cut(std::move(*text));
    }
    if (!affords(order)) throw Spent{};
    on_the_way_[order.key] = charge_of(order);
  }
  try {
    const auto answer = paid_answer(order);
    settle(order, answer);
    return answer.text;
  } catch (...) {
    release(order);
    throw;
  }
}

std::string ChatPurse::recall(const ordered_json& messages) {
  const auto order = order_of(messages);
  const std::lock_guard lock(mutex_);
  auto text = known(order);
  if (!text) throw Unpaid{};
  return secret_.cut(std::move(*text));
}

bool ChatPurse::needs_recall() const {
  return options_.max_cost > 0 && !journal_.empty();
}

AnnotateSummary ChatPurse::summary() const {
  const std::lock_guard lock(mutex_);
  auto summary = summary_;
  summary.retries = client_.retries();
  summary.prompt_tokens = all_.prompt;
  summary.answer_tokens = all_.answer;
  summary.earlier_tokens = earlier_.prompt + earlier_.answer;
  summary.cost = cost_of(options_.endpoint, all_);
  summary.earlier_cost = cost_of(options_.endpoint, earlier_);
  return summary;
}

ChatPurse::Order ChatPurse::order_of(const ordered_json& messages) const {
  auto body = json_line(chat_request(options_.endpoint, messages));
  const auto key = text_key(body);
  return {std::move(body), key, {estimated_tokens(messages), options_.endpoint.max_tokens}};
}

/// False while an identical request is in flight, and while a finished request may free budget: requests in
/// flight reserve their maximum cost and may turn out cheaper.
bool ChatPurse::may_go_on(const Order& order) const {
  if (end_) return true;
  if (on_the_way_.contains(order.key)) return false;
  return journal_.find(order.key) != nullptr || affords(order) || on_the_way_.empty();
}

std::optional<std::string> ChatPurse::known(const Order& order) {
  const auto* answer = journal_.find(order.key);
  if (answer == nullptr) return std::nullopt;
  // Answers of this run are counted on arrival, so an uncounted one is from an earlier run.
  if (!counted_.contains(order.key)) {
    const auto tokens = count(order, *answer);
    earlier_.prompt += tokens.prompt;
    earlier_.answer += tokens.answer;
  }
  return answer->text;
}

ChatAnswer ChatPurse::paid_answer(const Order& order) {
  try {
    auto answer = client_.ask(order.body, stop_);
    journal_.add(order.key, answer);
    return answer;
  } catch (const FatalError&) {
    const std::lock_guard lock(mutex_);
    if (!end_) end_ = std::current_exception();
    throw;
  }
}

void ChatPurse::settle(const Order& order, const ChatAnswer& answer) {
  const std::lock_guard lock(mutex_);
  ++summary_.requests;
  count(order, answer);
  on_the_way_.erase(order.key);
  changed_.notify_all();
}

void ChatPurse::release(const Order& order) {
  const std::lock_guard lock(mutex_);
  on_the_way_.erase(order.key);
  changed_.notify_all();
}

ChatTokens ChatPurse::count(const Order& order, const ChatAnswer& answer) {
  counted_.insert(order.key);
  if (!answer.prompt_tokens || !answer.answer_tokens) ++summary_.unmetered;
  if (answer.prompt_tokens) {
    const auto scale =
        static_cast<double>(*answer.prompt_tokens) / static_cast<double>(order.estimate.prompt);
    prompt_scale_ = std::max(prompt_scale_.value_or(0.0), scale);
  }
  const ChatTokens tokens{answer.prompt_tokens.value_or(order.estimate.prompt),
                          answer.answer_tokens.value_or(tokens_of_text(answer.text))};
  all_.prompt += tokens.prompt;
  all_.answer += tokens.answer;
  return tokens;
}

/// Returns the maximum cost of an answer, assuming the highest ratio of prompt tokens to estimate so far.
double ChatPurse::charge_of(const Order& order) const {
  const auto prompt = prompt_scale_.value_or(1.0) * static_cast<double>(order.estimate.prompt);
  return cost_of(options_.endpoint, {std::llround(prompt), order.estimate.answer});
}

bool ChatPurse::affords(const Order& order) const {
  if (options_.max_cost <= 0) return true;
  double charge = cost_of(options_.endpoint, all_) + charge_of(order);
  for (const auto& [key, reserved] : on_the_way_) charge += reserved;
  constexpr double kRounding = 1e-9;
  return charge <= options_.max_cost * (1.0 + kRounding);
}

}  // namespace ccexpert::datasets
