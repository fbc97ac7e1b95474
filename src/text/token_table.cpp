#include "text/token_table.h"

#include <algorithm>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

namespace ccexpert::text {

std::string_view TokenTable::token_bytes(int64_t id) const {
  if (id < 0) fail_expected({"token id", "0 or more", std::to_string(id)});
  return static_cast<size_t>(id) < bytes_.size() ? std::string_view(bytes_[static_cast<size_t>(id)]) : "";
}

std::optional<int64_t> TokenTable::token_id(std::string_view text) const {
  const auto found = ids_.find(std::string(text));
  return found == ids_.end() ? std::nullopt : std::optional<int64_t>(found->second);
}

bool TokenTable::is_special(int64_t id) const {
  return id >= 0 && static_cast<size_t>(id) < special_.size() && special_[static_cast<size_t>(id)];
}

void TokenTable::set_bytes(int64_t id, std::string bytes, const std::string& source) {
  const auto index = static_cast<size_t>(id);
  if (index >= bytes_.size()) bytes_.resize(index + 1);
  if (!bytes_[index].empty() && bytes_[index] != bytes)
    fail_expected({source, "each token id once", fmt::format("{} twice", id)});
  bytes_[index] = std::move(bytes);
}

void TokenTable::add_token(int64_t id, Token token, const std::string& source) {
  ids_.emplace(std::move(token.name), id);
  set_bytes(id, std::move(token.bytes), source);
}

void TokenTable::add_added(const std::vector<AddedToken>& added, const std::string& source) {
  for (const auto& token : added) {
    // A piece of the same name keeps its bytes: its name may have "▁" for a space.
    if (token_id(token.text) != token.id) set_bytes(token.id, token.text, source);
    ids_[token.text] = token.id;
    added_texts_.push_back(token.text);
    if (!token.special) continue;
    special_.resize(std::max(special_.size(), static_cast<size_t>(token.id) + 1));
    special_[static_cast<size_t>(token.id)] = true;
    special_texts_.push_back(token.text);
  }
  const auto longer = [](const auto& a, const auto& b) { return a.size() > b.size(); };
  std::stable_sort(added_texts_.begin(), added_texts_.end(), longer);
  std::stable_sort(special_texts_.begin(), special_texts_.end(), longer);
}

const std::string* TokenTable::added_at(std::string_view text) const {
  for (const auto& token : added_texts_) {
    if (text.starts_with(token)) return &token;
  }
  return nullptr;
}

void TokenTable::split(std::string_view text, const std::function<void(std::string_view)>& plain,
                       const std::function<void(int64_t)>& token) const {
  size_t start = 0;
  for (size_t i = 0; i < text.size();) {
    const auto* added = added_at(text.substr(i));
    if (added == nullptr) {
      ++i;
      continue;
    }
    plain(text.substr(start, i - start));
    token(ids_.at(*added));
    i += added->size();
    start = i;
  }
  plain(text.substr(start));
}

}  // namespace ccexpert::text
