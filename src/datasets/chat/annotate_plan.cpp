#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/foreign_errors.h"
#include "datasets/chat/annotate_job.h"
#include "datasets/chat/chat_client.h"
#include "datasets/chat/chat_purse.h"
#include "datasets/chat/chat_task.h"
#include "datasets/json_stream.h"
#include "datasets/shared/annotate.h"

namespace ccexpert::datasets {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr int64_t kTokensOfCaption = 25;

/// Replaces images by their lengths.
void leave_out_images(ordered_json& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (text.starts_with("data:image/"))
      value = fmt::format("data:image/png;base64,... ({} bytes)", text.size());
  } else if (value.is_structured()) {
    for (auto& each : value) leave_out_images(each);
  }
}

/// Requests that a run would send.
struct Plan {
  int64_t pairs = 0;
  int64_t no_pairs = 0;
  int64_t prompt_tokens = 0;  ///< of the first turns
  ordered_json first = {};    ///< first request, without its images
};

void add_to(Plan& plan, const ChatPair& pair, const AnnotateOptions& options) {
  // Images do not have to be read to count their tokens.
  auto text_only = options;
  const bool describes = options.task == AnnotateTask::kDescribe;
  if (describes) text_only.task = AnnotateTask::kEnrich;
  if (plan.first.is_null()) plan.first = chat_request(options.endpoint, first_messages(pair, options));
  ++plan.pairs;
  plan.prompt_tokens += estimated_tokens(first_messages(pair, text_only)) +
                        (describes ? 2 * estimated_tokens("data:image/") : 0);
}

Plan plan_of(const AnnotateOptions& options) {
  const auto root = image_root_of(options);
  Plan plan;
  JsonPlace place;
  if (options.on_error == OnError::kSkip)
    place.bad_line = [&](const std::string& /*where*/, const std::string& /*problem*/) { ++plan.no_pairs; };
  visit_elements(options.list, place, [&](json& entry, const std::string& where) {
    if (options.limit > 0 && plan.pairs + plan.no_pairs == options.limit) return;
    try {
      add_to(plan, chat_pair_of(entry, where, root), options);
    } catch (const Fault&) {
      throw;
    } catch (const Error&) {
      if (options.on_error == OnError::kError) throw;
      ++plan.no_pairs;
    }
  });
  if (plan.pairs == 0) fail_expected({options.list.string(), "at least one pair", "none"});
  leave_out_images(plan.first);
  return plan;
}

}  // namespace

std::string annotate_plan(const AnnotateOptions& options) try {
  expect_valid(options);
  const auto plan = plan_of(options);
  const auto turns = turns_of(options.task);
  const ChatTokens tokens{turns * plan.prompt_tokens,
                          plan.pairs * (options.captions + (turns - 1) * 8) * kTokensOfCaption};
  auto text = fmt::format("{} pairs, at least {} requests, about {} prompt and {} answer tokens", plan.pairs,
                          plan.pairs * turns, tokens.prompt, tokens.answer);
  if (options.endpoint.price_in > 0 || options.endpoint.price_out > 0)
    text += fmt::format(", about {:.2f} at these prices", cost_of(options.endpoint, tokens));
  if (plan.no_pairs > 0)
    text += fmt::format("\n{} entries are not pairs and would be left out", plan.no_pairs);
  return text + "\nFirst request to " + shown_url(options.endpoint.base_url) + "/chat/completions:\n" +
         plan.first.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::datasets
