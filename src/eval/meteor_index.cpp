#include "eval/meteor_index.h"

#include <algorithm>
#include <vector>

#include <ccexpert/core/error.h>

#include "eval/hash.h"
#include "eval/meteor_index_file.h"

namespace ccexpert::eval {
namespace {

[[noreturn]] void refuse(const MappedFile& file) {
  fail_expected(
      {file.path().string(), "an index of METEOR's tables", "another or damaged file", "delete it"});
}

const IndexHeader& header_of(const MappedFile& file) {
  if (file.size() < sizeof(IndexHeader)) refuse(file);
  const auto& header = *reinterpret_cast<const IndexHeader*>(file.data());
  uint64_t end = padded(sizeof(IndexHeader));
  for (const uint64_t bytes : header.bytes) {
    if (bytes > file.size()) refuse(file);
    end += padded(bytes);
  }
  if (header.magic != kIndexMagic || end != file.size()) refuse(file);
  return header;
}

std::vector<std::span<const std::byte>> sections_of(const MappedFile& file, const IndexHeader& header) {
  std::vector<std::span<const std::byte>> sections;
  uint64_t place = padded(sizeof(IndexHeader));
  for (const uint64_t bytes : header.bytes) {
    sections.emplace_back(file.data() + place, bytes);
    place += padded(bytes);
  }
  return sections;
}

/// Sequential reader of sections, in the order of the enum.
class SectionReader {
 public:
  explicit SectionReader(const MappedFile& file)
      : file_(file), sections_(sections_of(file, header_of(file))) {
    if (index_hash(header_of(file), sections_) != header_of(file).hash) refuse(file);
  }

  template <class Value>
  std::span<const Value> next() {
    const auto section = sections_.at(section_++);
    if (section.size() % sizeof(Value) != 0) refuse(file_);
    return {reinterpret_cast<const Value*>(section.data()), section.size() / sizeof(Value)};
  }

  std::span<const uint64_t> keys() {
    const auto keys = next<uint64_t>();
    if (!std::is_sorted(keys.begin(), keys.end())) refuse(file_);
    return keys;
  }

  /// Reads lists. The checksum detects damage but not malicious files, so each list is checked to lie within
  /// the values.
  template <class Value>
  Lists<Value> lists() {
    const auto sorted = keys();
    const auto offsets = next<uint32_t>();
    const auto values = next<Value>();
    if (offsets.size() != sorted.size() + 1 || offsets.back() != values.size() ||
        !std::is_sorted(offsets.begin(), offsets.end()))
      refuse(file_);
    return {sorted, offsets, values};
  }

 private:
  const MappedFile& file_;
  std::vector<std::span<const std::byte>> sections_;
  size_t section_ = 0;
};

}  // namespace

uint64_t index_hash(const IndexHeader& header, std::span<const std::span<const std::byte>> sections) {
  std::vector<uint64_t> parts{header.source_key};
  parts.insert(parts.end(), header.bytes.begin(), header.bytes.end());
  for (const auto section : sections) parts.push_back(content_hash(section));
  return phrase_hash(parts);
}

MeteorIndex::MeteorIndex(std::shared_ptr<const MappedFile> file) : file_(std::move(file)) {
  SectionReader reader(*file_);
  paraphrases_ = reader.lists<uint32_t>();
  synsets_ = reader.lists<uint32_t>();
  base_forms_ = reader.lists<uint64_t>();
  function_words_ = reader.keys();
  const auto text = reader.next<char>();
  abbreviations_ = parse_abbreviations({text.data(), text.size()});
}

uint64_t meteor_index_key(const MappedFile& file) {
  if (file.size() < sizeof(IndexHeader)) return 0;
  const auto& header = *reinterpret_cast<const IndexHeader*>(file.data());
  return header.magic == kIndexMagic ? header.source_key : 0;
}

}  // namespace ccexpert::eval
