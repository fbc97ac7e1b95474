#include "io/zip_archive.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>
#include <zlib.h>

#include <ccexpert/core/error.h>

#include "io/zip_directory.h"

namespace ccexpert::io {
namespace {

constexpr size_t kPieceBytes = size_t{256} << 10;
constexpr size_t kMostInput = size_t{1} << 30;  // zlib counts its input in 32 bits

/// RAII stream of Deflate data without a header.
class InflateStream {
 public:
  explicit InflateStream(std::string_view input) : rest_(input) {
    ready_ = inflateInit2(&stream_, -15) == Z_OK;
  }
  ~InflateStream() {
    if (ready_) inflateEnd(&stream_);
  }
  InflateStream(const InflateStream&) = delete;
  InflateStream& operator=(const InflateStream&) = delete;

  /// Returns the next piece, at most as long as `buffer`; shorter only at the end, and empty for damaged
  /// data.
  std::string_view next(std::span<char> buffer) {
    stream_.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream_.avail_out = static_cast<uInt>(buffer.size());
    int state = ready_ ? Z_OK : Z_MEM_ERROR;
    while (state == Z_OK && stream_.avail_out > 0) {
      if (stream_.avail_in == 0) feed();
      state = ::inflate(&stream_, Z_NO_FLUSH);
    }
    ended_ = state == Z_STREAM_END && rest_.empty() && stream_.avail_in == 0;
    const bool good = ended_ || state == Z_OK;
    return {buffer.data(), good ? buffer.size() - stream_.avail_out : 0};
  }
  /// True if the stream and its input ended together.
  bool ended() const { return ended_; }

 private:
  void feed() {
    const auto piece = rest_.substr(0, kMostInput);
    rest_.remove_prefix(piece.size());
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    stream_.avail_in = static_cast<uInt>(piece.size());
  }

  std::string_view rest_;
  z_stream stream_{};
  bool ready_ = false;
  bool ended_ = false;
};

/// Copies the overlap of `piece`, which begins at byte `at` of a content, with the bytes from `start` on, to
/// `to`.
void copy_overlap(std::string_view piece, uint64_t at, uint64_t start, std::span<char> to) {
  const uint64_t begin = std::max(at, start), end = std::min(at + piece.size(), start + to.size());
  if (begin < end) std::memcpy(to.data() + (begin - start), piece.data() + (begin - at), end - begin);
}

uint32_t checksum_of(std::string_view bytes, uint32_t before = 0) {
  return static_cast<uint32_t>(crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace

ZipArchive::ZipArchive(std::string_view file, std::string source)
    : file_(file), source_(std::move(source)), records_(read_zip_directory(file, source_)) {
  for (size_t i = 0; i < records_.size(); ++i) {
    if (!places_.emplace(records_[i].name, i).second) fail_for(records_[i], "is twice in the archive");
  }
  expect_apart();
}

const ZipRecord* ZipArchive::find(const std::string& name) const {
  const auto found = places_.find(name);
  return found == places_.end() ? nullptr : &records_[found->second];
}

std::string ZipArchive::read(const ZipRecord& record, uint64_t limit) const {
  if (record.bytes > limit)
    fail_expected({fmt::format("{}: record {}", source_, record.name), fmt::format("at most {} bytes", limit),
                   std::to_string(record.bytes)});
  std::string content(record.bytes, '\0');
  if (record.deflated) {
    inflate(record, 0, content);
  } else {
    content = stored(record);
    expect_checksum(record, checksum_of(content));
  }
  return content;
}

void ZipArchive::inflate(const ZipRecord& record, uint64_t start, std::span<char> to) const {
  InflateStream stream(stored(record));
  std::vector<char> buffer(kPieceBytes);
  uint64_t at = 0;
  uint32_t checksum = 0;
  while (!stream.ended()) {
    const auto piece = stream.next(buffer);
    if (piece.empty() && !stream.ended()) fail_for(record, "its compressed data are damaged");
    if (piece.size() > record.bytes - at) fail_for(record, "holds more than the zip directory says");
    copy_overlap(piece, at, start, to);
    checksum = checksum_of(piece, checksum);
    at += piece.size();
  }
  if (at != record.bytes) fail_for(record, "holds less than the zip directory says");
  expect_checksum(record, checksum);
}

void ZipArchive::expect_checksum(const ZipRecord& record, uint32_t found) const {
  if (record.checksum == 0 || record.checksum == found) return;
  fail_for(record, fmt::format("its checksum is {:08x}, recorded is {:08x}", found, record.checksum));
}

/// Throws Error for records that share bytes: zip bombs do, and no regular writer does.
void ZipArchive::expect_apart() const {
  std::vector<const ZipRecord*> order;
  for (const auto& record : records_) order.push_back(&record);
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->offset < b->offset; });
  for (size_t i = 1; i < order.size(); ++i) {
    if (order[i - 1]->offset + order[i - 1]->stored > order[i]->offset)
      fail_for(*order[i], fmt::format("overlaps record {}", order[i - 1]->name));
  }
}

void ZipArchive::fail_for(const ZipRecord& record, std::string_view problem) const {
  fail(fmt::format("{}: record {}", source_, record.name), problem, "damaged file");
}

}  // namespace ccexpert::io
