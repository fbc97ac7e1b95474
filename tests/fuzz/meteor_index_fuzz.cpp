// METEOR's index with a corrected checksum: look-ups must stay within the file.
#include <cstring>

#include <ccexpert/eval/meteor.h>

#include "eval/meteor_index.h"
#include "eval/meteor_index_file.h"
#include "fuzz/target.h"

namespace ccexpert::fuzz {
namespace {

/// Corrects the checksum if the sections lie within the bytes.
std::string with_right_hash(std::string bytes) {
  eval::IndexHeader header;
  if (bytes.size() < sizeof(header)) return bytes;
  std::memcpy(&header, bytes.data(), sizeof(header));
  std::vector<std::span<const std::byte>> sections;
  uint64_t place = eval::padded(sizeof(header));
  for (const auto count : header.bytes) {
    if (count > bytes.size() || place > bytes.size() - count) return bytes;
    sections.emplace_back(reinterpret_cast<const std::byte*>(bytes.data()) + place, count);
    place += eval::padded(count);
  }
  header.hash = eval::index_hash(header, sections);
  std::memcpy(bytes.data(), &header, sizeof(header));
  return bytes;
}

}  // namespace
}  // namespace ccexpert::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ccexpert;
  const auto bytes = fuzz::with_right_hash(std::string(fuzz::text_of(data, size)));
  const auto file = fuzz::Folder::shared().write("index", bytes);
  fuzz::reads([&] {
    const auto index = std::make_shared<const eval::MeteorIndex>(MappedFile::open(file));
    eval::MeteorAligner aligner(index);
    aligner.align("a number of cars are close to the big house", "many automobiles near several large homes");
    aligner.align("Mr. No. 5 is better.", "the best are good");
  });
  return 0;
}
