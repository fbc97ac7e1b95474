#include "datasets/shared/validate.h"

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/image/decode.h>

#include "core/foreign_errors.h"
#include "core/threads.h"
#include "datasets/caption_text.h"
#include "datasets/examine/hash_index.h"
#include "datasets/lists/entry.h"
#include "datasets/lists/universal.h"
#include "datasets/options.h"
#include "datasets/parallel.h"
#include "datasets/sources/image_size.h"
#include "datasets/sources/sink.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;
using data::ChangeExample;

/// Pair with its place.
struct Placed {
  ChangeExample pair;
  std::string where;
};

struct Finding {
  std::string kind;
  std::string text;
};

/// Result of reading one pair's files.
struct Looked {
  std::vector<Finding> findings;
  std::optional<PairHash> hash;
  int64_t images = 0;
};

ImageSize size_of(const image::Image& image) {
  return {image.height, image.width};
}

std::optional<image::Image> opened(const fs::path& file, Looked& looked) {
  if (file.empty()) return std::nullopt;
  ++looked.images;
  try {
    return image::decode_image(file);
  } catch (const Fault&) {
    throw;
  } catch (const Error& error) {
    looked.findings.push_back({"image", error.what()});
    return std::nullopt;
  }
}

int64_t marked_pixels(const image::Image& mask) {
  int64_t count = 0;
  for (size_t i = 0; i < mask.pixels.size(); i += 3) {
    const auto* pixel = mask.pixels.data() + i;
    if ((pixel[0] | pixel[1] | pixel[2]) != 0) ++count;
  }
  return count;
}

/// Compares the mask with the flag, or with the captions of a pair without one.
void hold_against_mask(const ChangeExample& pair, const image::Image& mask, Looked& looked) {
  const auto changed = pair.changed ? pair.changed : changed_by(pair.captions);
  const auto marked = marked_pixels(mask);
  if (!changed || *changed == (marked > 0)) return;
  const std::string said = pair.changed ? fmt::format("change_flag is {}", *changed ? 1 : 0)
                           : *changed   ? "most captions report a change"
                                        : "most captions say that nothing changed";
  looked.findings.push_back({"mask", fmt::format("{}, but the mask marks {} pixels as changed", said,
                                                 marked == 0 ? "no" : std::to_string(marked))});
}

/// Checks mask and class maps; equal sizes ensure that they mark the right places of the images.
void look_at_maps(const ChangeExample& pair, const std::optional<image::Image>& before, Looked& looked) {
  for (const auto& [name, file] :
       {std::pair("mask", &pair.mask), std::pair("class map of before", &pair.classes_before),
        std::pair("class map of after", &pair.classes_after)}) {
    const auto map = opened(*file, looked);
    if (map && file == &pair.mask) hold_against_mask(pair, *map, looked);
    if (!map || !before || size_of(*map) == size_of(*before)) continue;
    looked.findings.push_back({"size", fmt::format("{}: expected {}, as in before, got {}", name,
                                                   text_of(size_of(*before)), text_of(size_of(*map)))});
  }
}

Looked look_at(const ChangeExample& pair, bool hash) {
  Looked looked;
  const auto before = opened(pair.before, looked), after = opened(pair.after, looked);
  look_at_maps(pair, before, looked);
  if (!before || !after) return looked;
  if (size_of(*before) != size_of(*after)) {
    looked.findings.push_back({"size", fmt::format("before and after: expected the same size, got {} and {}",
                                                   text_of(size_of(*before)), text_of(size_of(*after)))});
  }
  if (pair.changed == true && before->pixels == after->pixels) {
    looked.findings.push_back({"same", "before and after are the same image, but change_flag is 1"});
  }
  if (hash) looked.hash = PairHash{hash_of(before->view()), hash_of(after->view())};
  return looked;
}

/// Compares the flag with the captions. Annotators may overlook a change but do not invent one. So some
/// captions of a changed pair may report no change, but not all; for an unchanged pair the majority counts,
/// as it does for sources without a flag.
void check_flag(const ChangeExample& pair, std::vector<Finding>& findings) {
  if (!pair.changed || pair.captions.empty()) return;
  const auto unchanged = std::count_if(pair.captions.begin(), pair.captions.end(), says_no_change);
  const auto all = static_cast<std::ptrdiff_t>(pair.captions.size());
  if (*pair.changed && unchanged == all) {
    findings.push_back(
        {"flag", fmt::format("change_flag is 1, but every caption says that nothing changed, such as '{}'",
                             pair.captions.front())});
  }
  if (!*pair.changed && changed_by(pair.captions) == true) {
    const auto change = std::find_if_not(pair.captions.begin(), pair.captions.end(), says_no_change);
    findings.push_back(
        {"flag", fmt::format("change_flag is 0, but {} of {} captions report a change, such as '{}'",
                             all - unchanged, all, *change)});
  }
}

/// Held-out pairs by uid, by file and by image hash.
struct HeldOut {
  std::unordered_map<TextKey, std::string, TextKeyHash> names;  ///< maps to their places
  HashIndex looks;
  std::vector<std::string> places;  ///< places of the pairs in `looks`
};

/// State of a list's captions so far.
struct Captions {
  bool found = false;
  std::vector<std::string> lacking = {};  ///< places of pairs without captions, until one has some
};

class Validator {
 public:
  Validator(const ValidateOptions& options, const std::function<void(const Problem&)>& report,
            const std::function<void(int64_t)>& done, std::stop_token stop)
      : options_(options), report_(report), done_(done), stop_(std::move(stop)) {}

  /// Reads a list in batches, so that only one batch is in memory.
  void add(const fs::path& list, bool held_out) {
    held_out_ = held_out;
    if (held_out && options_.leaks) summary_.held_out.push_back(list);
    captions_ = Captions{};
    uids_.clear();
    pairs_.clear();
    visit_training_examples(
        list, options_.image_root,
        [&](ChangeExample&& pair, const std::string& where) {
          batch_.push_back({std::move(pair), where});
          constexpr size_t kBatch = 256;
          if (batch_.size() == kBatch) work();
        },
        [&](const std::string& problem) {
          work();
          tell({"entry", list.string(), problem});
          ++summary_.pairs;
        });
    work();
    if (!captions_.found && !captions_.lacking.empty()) summary_.without_captions.push_back(list);
  }

  const ValidateSummary& summary() const { return summary_; }

 private:
  void work() {
    if (stop_.stop_requested()) throw Stopped{};
    const bool hash = options_.leaks && options_.images;
    std::vector<Looked> looked(batch_.size());
    if (options_.images) {
      parallel_for(static_cast<int64_t>(batch_.size()), options_.jobs, [&](int64_t i) {
        const auto at = static_cast<size_t>(i);
        looked[at] = look_at(batch_[at].pair, hash);
      });
    }
    for (size_t i = 0; i < batch_.size(); ++i) take(batch_[i], std::move(looked[i]));
    if (done_ && !batch_.empty()) done_(static_cast<int64_t>(batch_.size()));
    batch_.clear();
  }

  void take(const Placed& placed, Looked&& looked) {
    ++summary_.pairs;
    summary_.images += looked.images;
    check_captions(placed);
    check_flag(placed.pair, looked.findings);
    check_repeats(placed.pair, looked.findings);
    if (options_.leaks) check_leaks(placed, looked);
    for (const auto& finding : looked.findings) tell({finding.kind, placed.where, finding.text});
  }

  /// Reports pairs without captions, unless no pair of the list has captions (not captioned yet).
  void check_captions(const Placed& placed) {
    auto& [found, lacking] = captions_;
    if (placed.pair.captions.empty()) lacking.push_back(placed.where);
    found = found || !placed.pair.captions.empty();
    if (!found) return;
    for (const auto& where : lacking) {
      tell({"entry", where, "change_caption: expected a caption, as for other pairs of the list, got none"});
    }
    lacking.clear();
  }

  void check_repeats(const ChangeExample& pair, std::vector<Finding>& findings) {
    const auto images = text_key(pair.before.string() + '\n' + pair.after.string());
    if (!pairs_.insert(images).second) {
      findings.push_back({"repeated", fmt::format("the pair of uid '{}' occurs twice", pair.uid)});
    } else if (!uids_.insert(text_key(pair.uid)).second) {
      findings.push_back({"repeated", fmt::format("uid '{}' already names other images", pair.uid)});
    }
  }

  static std::vector<TextKey> names_of(const ChangeExample& pair) {
    return {text_key("uid\n" + pair.uid), text_key("file\n" + pair.before.string()),
            text_key("file\n" + pair.after.string())};
  }

  void check_leaks(const Placed& placed, Looked& looked) {
    if (held_out_) return hold_out(placed, looked);
    for (const auto& name : names_of(placed.pair)) {
      const auto found = held_.names.find(name);
      if (found == held_.names.end()) continue;
      looked.findings.push_back({"leak-name", fmt::format("uid '{}' or its images are held out in {}",
                                                          placed.pair.uid, found->second)});
      return;
    }
    if (!looked.hash) return;
    if (const auto found = held_.looks.find(*looked.hash, options_.distance, false)) {
      looked.findings.push_back(
          {"leak-image", fmt::format("uid '{}' looks like the held-out pair of {} ({} of 128 bits differ)",
                                     placed.pair.uid, held_.places[found->number], found->distance)});
    }
  }

  void hold_out(const Placed& placed, const Looked& looked) {
    for (const auto& name : names_of(placed.pair)) held_.names.emplace(name, placed.where);
    if (!looked.hash) return;
    held_.looks.add(*looked.hash);
    held_.places.push_back(placed.where);
  }

  void tell(const Problem& problem) {
    ++summary_.kinds[problem.kind];
    if (report_) report_(problem);
  }

  const ValidateOptions& options_;
  const std::function<void(const Problem&)>& report_;
  const std::function<void(int64_t)>& done_;
  std::stop_token stop_;
  bool held_out_ = false;
  std::vector<Placed> batch_;
  std::unordered_set<TextKey, TextKeyHash> uids_;
  std::unordered_set<TextKey, TextKeyHash> pairs_;
  HeldOut held_;
  Captions captions_;
  ValidateSummary summary_;
};

bool is_held_out(const fs::path& list) {
  return split_in_name(list.filename().string()) != "train";
}

/// Returns the held-out lists first, then the others, because held-out pairs must be known for the
/// comparison.
std::vector<std::pair<fs::path, bool>> ordered(const std::vector<fs::path>& lists,
                                               const ValidateOptions& options) {
  std::vector<std::pair<fs::path, bool>> held, others;
  for (const auto& path : options.held_out) {
    for (const auto& list : lists_of(path)) held.emplace_back(list, true);
  }
  for (const auto& path : lists) {
    for (const auto& list : lists_of(path)) {
      const bool out = options.held_out.empty() && is_held_out(list);
      const bool known =
          std::any_of(held.begin(), held.end(), [&](const auto& each) { return each.first == list; });
      if (!known) (out ? held : others).emplace_back(list, out);
    }
  }
  held.insert(held.end(), others.begin(), others.end());
  return held;
}

}  // namespace

void ValidateOptions::validate() const {
  check_threads("jobs", jobs);
  check_options(*this);
}

ValidateSummary validate(const std::vector<fs::path>& lists, const ValidateOptions& options,
                         const std::function<void(const Problem&)>& report,
                         const std::function<void(int64_t)>& done, std::stop_token stop) try {
  options.validate();
  Validator validator(options, report, done, std::move(stop));
  try {
    for (const auto& [list, held_out] : ordered(lists, options)) validator.add(list, held_out);
  } catch (const Stopped&) {
    auto summary = validator.summary();
    summary.interrupted = true;
    return summary;
  }
  return validator.summary();
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::datasets
