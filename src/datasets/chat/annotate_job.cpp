#include "datasets/chat/annotate_job.h"

#include <ccexpert/core/error.h>

#include "core/text_file.h"
#include "datasets/json_fields.h"
#include "datasets/lists/universal.h"
#include "datasets/options.h"

namespace ccexpert::datasets {

namespace fs = std::filesystem;
using nlohmann::json;

void expect_valid(const AnnotateOptions& options) {
  const auto& endpoint = options.endpoint;
  if (endpoint.model.empty()) fail_expected({"model", "a model name known to the endpoint", "none"});
  check_options(endpoint);
  check_options(options);
  const bool priced = endpoint.price_in > 0 || endpoint.price_out > 0;
  if (options.max_cost > 0 && !priced) fail_expected({"max_cost", "token prices", "none"});
}

fs::path image_root_of(const AnnotateOptions& options) {
  return options.image_root.empty() ? folder_of_list(options.list) : options.image_root;
}

ChatPair chat_pair_of(const json& entry, const std::string& where, const fs::path& root) {
  ChatPair result{example_of(entry, where, root)};
  if (entry.contains("facts")) result.facts = texts_field(entry, "facts");
  return result;
}

void for_each_batch(const AnnotateOptions& options, ElementList& list,
                    const std::function<void(std::vector<AnnotateJob>&)>& work) {
  const auto most = static_cast<size_t>(16 * options.endpoint.concurrency);
  std::vector<AnnotateJob> jobs;
  int64_t number = 0;
  const auto take = [&](AnnotateJob job) {
    job.number = number++;
    jobs.push_back(std::move(job));
    if (jobs.size() < most) return;
    work(jobs);
    jobs.clear();
  };
  JsonPlace place;
  if (options.on_error == OnError::kSkip) {
    place.bad_line = [&](const std::string& where, const std::string& problem) {
      take({.entry = nullptr, .where = where, .problem = problem});
    };
  }
  list.visit(place, [&](json& entry, const std::string& where) {
    take({.entry = std::move(entry), .where = where});
  });
  work(jobs);
}

}  // namespace ccexpert::datasets
