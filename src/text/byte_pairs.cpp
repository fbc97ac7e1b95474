#include "text/byte_pairs.h"

#include <limits>
#include <queue>
#include <tuple>

namespace ccexpert::text {
namespace {

// Below this length, a scan of all pairs is faster than a queue of them.
constexpr size_t kShortWord = 24;
constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

/// Token of a word during merging, linked to its neighbours.
struct Node {
  uint32_t id;
  uint32_t previous;
  uint32_t next;
  bool alive = true;
};

/// Possible merge, ordered by lowest rank, then leftmost. Stale candidates are recognised by their ids.
struct Candidate {
  uint32_t rank, left, left_id, right_id, merged;
  bool operator>(const Candidate& other) const {
    return std::tie(rank, left) > std::tie(other.rank, other.left);
  }
};

}  // namespace

const BytePairs::Merge* BytePairs::find(uint32_t left, uint32_t right) const {
  const auto found = merges_.find(key(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

void BytePairs::encode(std::string_view word, std::vector<int64_t>& ids) const {
  word.size() <= kShortWord ? encode_short(word, ids) : encode_long(word, ids);
}

void BytePairs::encode_short(std::string_view word, std::vector<int64_t>& ids) const {
  std::array<uint32_t, kShortWord> tokens{};
  std::array<const Merge*, kShortWord> pairs{};  // result of merging tokens i and i + 1
  size_t count = word.size();
  for (size_t i = 0; i < count; ++i) tokens[i] = byte_ids_[static_cast<uint8_t>(word[i])];
  for (size_t i = 0; i + 1 < count; ++i) pairs[i] = find(tokens[i], tokens[i + 1]);
  while (count > 1) {
    size_t best = count;
    for (size_t i = 0; i + 1 < count; ++i) {
      if (pairs[i] != nullptr && (best == count || pairs[i]->rank < pairs[best]->rank)) best = i;
    }
    if (best == count) break;
    tokens[best] = pairs[best]->id;
    for (size_t i = best + 1; i + 1 < count; ++i) {
      tokens[i] = tokens[i + 1];
      pairs[i] = pairs[i + 1];
    }
    --count;
    if (best > 0) pairs[best - 1] = find(tokens[best - 1], tokens[best]);
    if (best + 1 < count) pairs[best] = find(tokens[best], tokens[best + 1]);
  }
  ids.insert(ids.end(), tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(count));
}

void BytePairs::encode_long(std::string_view word, std::vector<int64_t>& ids) const {
  std::vector<uint32_t> tokens;
  tokens.reserve(word.size());
  for (const char byte : word) tokens.push_back(byte_ids_[static_cast<uint8_t>(byte)]);
  merge(tokens, ids);
}

void BytePairs::merge(std::span<const uint32_t> tokens, std::vector<int64_t>& ids) const {
  const auto size = static_cast<uint32_t>(tokens.size());
  std::vector<Node> nodes;
  nodes.reserve(size);
  for (uint32_t i = 0; i < size; ++i)
    nodes.push_back({tokens[i], i == 0 ? kNone : i - 1, i + 1 == size ? kNone : i + 1});
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto consider = [&](uint32_t left) {
    if (left == kNone || nodes[left].next == kNone) return;
    const uint32_t right_id = nodes[nodes[left].next].id;
    if (const auto* merge = find(nodes[left].id, right_id)) {
      queue.push({merge->rank, left, nodes[left].id, right_id, merge->id});
    }
  };
  for (uint32_t i = 0; i < size; ++i) consider(i);
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    Node& left = nodes[best.left];
    const bool current =
        left.alive && left.id == best.left_id && left.next != kNone && nodes[left.next].id == best.right_id;
    if (!current) continue;
    Node& right = nodes[left.next];
    right.alive = false;
    left.id = best.merged;
    left.next = right.next;
    if (left.next != kNone) nodes[left.next].previous = best.left;
    consider(left.previous);
    consider(best.left);
  }
  for (const auto& node : nodes) {
    if (node.alive) ids.push_back(node.id);
  }
}

}  // namespace ccexpert::text
