#include "eval/meteor_index.h"

#include <cstring>

#include <ccexpert/core/error.h>

#include "eval/meteor_index_file.h"

namespace ccexpert::eval {
namespace {

[[noreturn]] void refuse(const MappedFile& file) {
  fail({file.path().string(), "an index of METEOR's tables", "another or a cut file", "delete it"});
}

const IndexHeader& header_of(const MappedFile& file) {
  if (file.size() < sizeof(IndexHeader)) refuse(file);
  const auto& header = *reinterpret_cast<const IndexHeader*>(file.data());
  uint64_t end = padded(sizeof(IndexHeader));
  for (const uint64_t bytes : header.bytes) end += padded(bytes);
  if (header.magic != kIndexMagic || end != file.size()) refuse(file);
  return header;
}

/// One section after the other, in the order of the enum.
class SectionReader {
 public:
  explicit SectionReader(const MappedFile& file)
      : file_(file), header_(header_of(file)), place_(padded(sizeof(IndexHeader))) {}

  template <class Value>
  std::span<const Value> next() {
    const uint64_t bytes = header_.bytes.at(section_++);
    const auto* data = reinterpret_cast<const Value*>(file_.data() + place_);
    place_ += padded(bytes);
    return {data, bytes / sizeof(Value)};
  }

  template <class Value>
  Lists<Value> lists() {
    const auto keys = next<uint64_t>();
    const auto offsets = next<uint32_t>();
    const auto values = next<Value>();
    if (offsets.size() != keys.size() + 1 || offsets.back() != values.size()) refuse(file_);
    return {keys, offsets, values};
  }

 private:
  const MappedFile& file_;
  const IndexHeader& header_;
  uint64_t place_;
  size_t section_ = 0;
};

}  // namespace

MeteorIndex::MeteorIndex(std::shared_ptr<const MappedFile> file) : file_(std::move(file)) {
  SectionReader reader(*file_);
  paraphrases_ = reader.lists<uint32_t>();
  synsets_ = reader.lists<uint32_t>();
  base_forms_ = reader.lists<uint64_t>();
  function_words_ = reader.next<uint64_t>();
  const auto text = reader.next<char>();
  abbreviations_ = parse_abbreviations({text.data(), text.size()});
}

uint64_t meteor_index_key(const std::filesystem::path& file) {
  std::error_code code;
  if (!std::filesystem::is_regular_file(file, code)) return 0;
  try {
    return header_of(*MappedFile::open(file)).source_key;
  } catch (const Error&) {
    // A file of an older version is no error: it is built again.
    return 0;
  }
}

}  // namespace ccexpert::eval
