// ChangeChat-105k: conversations about pairs of LEVIR-CC; only requests for captions are used.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/ascii.h"
#include "core/foreign_errors.h"
#include "datasets/json_fields.h"
#include "datasets/json_stream.h"
#include "datasets/sources/source.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool holds_any(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

/// True if a question asks for a caption, not for a number, a place or yes or no.
bool asks_for_caption(const std::string& asked) {
  const auto question = ascii_lower_case(asked);
  if (holds_any(question,
                {"how many", "yes or no", "number of", "location", "coordinates", "format of", "count"})) {
    return false;
  }
  return holds_any(question,
                   {"describe", "caption", "what changed", "what has changed", "what are the changes",
                    "what are the differences", "summarize the change", "summarise the change"});
}

/// Returns the answers to questions that ask for a caption.
std::vector<std::string> captions_of(const json& entry) {
  std::vector<std::string> captions;
  bool asked = false;
  for (const auto& turn : list_field(entry, "conversations")) {
    const auto from = text_field(turn, "from"), value = any_text_field(turn, "value");
    if (from == "human" || from == "user") {
      asked = asks_for_caption(value);
    } else if (asked) {
      captions.push_back(value);
      asked = false;
    }
  }
  return captions;
}

struct Images {
  std::string before;
  std::string after;
};

Images images_of(const json& entry) {
  if (entry.is_object() && entry.contains("image_A"))
    return {text_field(entry, "image_A"), text_field(entry, "image_B")};
  const auto images = texts_field(entry, "image");
  if (images.size() != 2) fail_expected({"image", "two paths", fmt::format("{}", images.size())});
  return {images[0], images[1]};
}

/// Makes an entry with a unique uid from a path such as "train/A/x.png" or "x_A.png".
Entry entry_of(const json& json_entry, std::vector<std::string> captions, const std::string& split) {
  auto [before, after] = images_of(json_entry);
  Entry entry{.split = split, .uid = fs::path(before).replace_extension().string()};
  entry.before = std::move(before);
  entry.after = std::move(after);
  entry.captions = std::move(captions);
  entry.changed = flag_field(json_entry, "changeflag");
  return entry;
}

void read(Sink& sink) {
  auto lists = lists_with(sink.input(), {"conversations", "image"});
  const auto tests = lists_with(sink.input(), {"image_A", "captions"});
  lists.insert(lists.end(), tests.begin(), tests.end());
  for (const auto& list : lists) {
    visit_elements(sink.input() / list, {}, [&](json& each, const std::string& where) {
      try {
        const bool is_test = each.is_object() && each.contains("captions");
        auto captions = is_test ? texts_field(each, "captions") : captions_of(each);
        if (captions.empty() && !is_test) return sink.pass_over();
        sink.add(where, [&] { return entry_of(each, std::move(captions), split_in_name(list)); });
      } catch (const Fault&) {
        throw;
      } catch (const Error& error) {
        sink.refuse(where, error.what());
      }
    });
  }
}

}  // namespace

Source changechat_source() {
  return {"changechat", "ChangeChat-105k",
          "JSON with image pairs and conversations, or image_A, image_B and captions",
          [](const fs::path& folder) {
            return !lists_with(folder, {"conversations", "image"}).empty() ||
                   !lists_with(folder, {"image_A", "image_B", "captions"}).empty();
          },
          read};
}

}  // namespace ccexpert::datasets
