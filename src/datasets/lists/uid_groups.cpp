#include "datasets/lists/uid_groups.h"

#include <array>
#include <cstdint>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <ccexpert/core/error.h>

namespace ccexpert::datasets {
namespace {

/// Maximum steps of a match: a few tenths of a second.
constexpr uint32_t kMostSteps = 5'000'000;
constexpr uint32_t kMostKibibytes = 65'536;

struct Free {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};
using Code = std::unique_ptr<pcre2_code, Free>;
using MatchData = std::unique_ptr<pcre2_match_data, Free>;
using MatchContext = std::unique_ptr<pcre2_match_context, Free>;

PCRE2_SPTR units_of(std::string_view text) {
  return reinterpret_cast<PCRE2_SPTR>(text.data());
}

std::string message_of(int code) {
  std::array<PCRE2_UCHAR, 200> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

Code compiled(const std::string& expression) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  Code code(pcre2_compile(units_of(expression), expression.size(), PCRE2_UTF | PCRE2_DOLLAR_ENDONLY, &error,
                          &offset, nullptr));
  if (code == nullptr) {
    fail_expected({"group", "a regular expression", fmt::format("'{}'", expression),
                   fmt::format("{}, at character {}", message_of(error), offset + 1)});
  }
  return code;
}

MatchContext limited() {
  MatchContext context(pcre2_match_context_create(nullptr));
  if (context == nullptr) fail("group", "not enough memory");
  pcre2_set_match_limit(context.get(), kMostSteps);
  pcre2_set_heap_limit(context.get(), kMostKibibytes);
  return context;
}

}  // namespace

class UidGroups::Impl {
 public:
  explicit Impl(const std::string& expression)
      : code_(compiled(expression)),
        context_(limited()),
        data_(pcre2_match_data_create_from_pattern(code_.get(), nullptr)) {
    if (data_ == nullptr) fail("group", "not enough memory");
  }

  std::string group_of(std::string_view uid) const {
    const int groups = pcre2_match(code_.get(), units_of(uid), uid.size(), 0, 0, data_.get(), context_.get());
    if (groups == PCRE2_ERROR_NOMATCH) return std::string(uid);
    if (groups < 0)
      fail(fmt::format("group: uid '{:.60}'", uid), message_of(groups), "use a simpler expression");
    const bool has_group = pcre2_get_ovector_count(data_.get()) > 1;
    return std::string(part(uid, has_group ? 1 : 0, groups));
  }

 private:
  /// Returns a group of the match; empty if it did not take part in the match.
  std::string_view part(std::string_view uid, int group, int groups) const {
    if (group >= groups) return {};
    const auto* places = pcre2_get_ovector_pointer(data_.get()) + 2 * static_cast<ptrdiff_t>(group);
    return places[0] == PCRE2_UNSET || places[1] < places[0] ? std::string_view{}
                                                             : uid.substr(places[0], places[1] - places[0]);
  }

  Code code_;
  MatchContext context_;
  MatchData data_;
};

UidGroups::UidGroups(const std::string& expression) : impl_(std::make_unique<Impl>(expression)) {}
UidGroups::~UidGroups() = default;

std::string UidGroups::group_of(std::string_view uid) const {
  return impl_->group_of(uid);
}

}  // namespace ccexpert::datasets
