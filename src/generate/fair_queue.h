// Queue in which clients take turns.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <iterator>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ccexpert::generate {

/// Items of clients: `pop` takes one of each client in turn, and those of one client in their order. A client
/// without items takes its turn after all others when it comes back. Not thread-safe.
template <class Item>
class FairQueue {
 public:
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  size_t size_of(const std::string& client) const {
    const auto found = items_.find(client);
    return found == items_.end() ? 0 : found->second.size();
  }

  void push(const std::string& client, Item item) {
    auto& own = items_[client];
    if (own.empty()) turns_.push_back(client);
    own.push_back(std::move(item));
    ++size_;
  }

  /// Takes the next item; nothing if there is none.
  std::optional<Item> pop() {
    if (empty()) return std::nullopt;
    const auto client = std::move(turns_.front());
    turns_.pop_front();
    auto& own = items_.at(client);
    std::optional<Item> item(std::move(own.front()));
    own.pop_front();
    --size_;
    if (own.empty()) {
      items_.erase(client);
    } else {
      turns_.push_back(client);
    }
    return item;
  }

  /// Takes all items that fulfil a condition out of turn.
  template <class Condition>
  std::vector<Item> remove_if(const Condition& condition) {
    std::vector<Item> removed;
    for (auto own = items_.begin(); own != items_.end();) {
      auto& items = own->second;
      const auto rest = std::stable_partition(items.begin(), items.end(),
                                              [&](const Item& item) { return !condition(item); });
      std::move(rest, items.end(), std::back_inserter(removed));
      items.erase(rest, items.end());
      if (items.empty()) turns_.remove(own->first);
      own = items.empty() ? items_.erase(own) : std::next(own);
    }
    size_ -= removed.size();
    return removed;
  }

 private:
  std::map<std::string, std::deque<Item>> items_;  // of clients with any
  std::list<std::string> turns_;                   // the same clients, the next one first
  size_t size_ = 0;
};

}  // namespace ccexpert::generate
