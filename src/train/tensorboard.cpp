#include "train/tensorboard.h"

#include <bit>
#include <chrono>

#include <fmt/format.h>
#include <unistd.h>

#include <ccexpert/core/error.h>

namespace ccexpert::train {
namespace {

// Protobuf's wire types.
constexpr int kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5;

double now() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(since_epoch).count();
}

template <class Number>
std::string little_endian(Number number) {
  std::string bytes;
  for (size_t i = 0; i < sizeof(Number); ++i) bytes += static_cast<char>(number >> (8 * i) & 0xff);
  return bytes;
}

std::string varint(uint64_t number) {
  std::string bytes;
  for (; number >= 0x80; number >>= 7) bytes += static_cast<char>(number | 0x80);
  return bytes + static_cast<char>(number);
}

std::string key(int field, int wire_type) {
  return varint(static_cast<uint64_t>(field << 3 | wire_type));
}

std::string bytes_field(int field, const std::string& bytes) {
  return key(field, kBytes) + varint(bytes.size()) + bytes;
}

/// Event {1: wall_time, 2: step}.
std::string event_of(int64_t step) {
  return key(1, kFixed64) + little_endian(std::bit_cast<uint64_t>(now())) + key(2, kVarint) +
         varint(static_cast<uint64_t>(step));
}

/// CRC-32C (Castagnoli), bit by bit: Debian has no library for it, and a step writes only a few hundred
/// bytes.
uint32_t crc32c(const std::string& bytes) {
  uint32_t crc = ~0U;
  for (const char byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1U) != 0 ? 0x82f63b78U : 0U);
  }
  return ~crc;
}

/// Rotates and offsets the checksum, as TFRecord does for data that may contain checksums.
std::string masked_crc(const std::string& bytes) {
  const uint32_t crc = crc32c(bytes);
  return little_endian(static_cast<uint32_t>(std::rotr(crc, 15) + 0xa282ead8U));
}

}  // namespace

TensorBoardWriter::TensorBoardWriter(const std::filesystem::path& folder, int64_t step)
    : path_(folder /
            fmt::format("events.out.tfevents.{}.ccexpert.{}", static_cast<int64_t>(now() * 1e3), ::getpid())),
      file_(path_, std::ios::binary) {
  record(event_of(0) + bytes_field(3, "brain.Event:2"));
  // SessionLog {1: status = START}: supersedes other files' values from this event's step on.
  record(event_of(step + 1) + bytes_field(7, key(1, kVarint) + varint(1)));
}

void TensorBoardWriter::scalars(int64_t step, const std::map<std::string, double>& values) {
  std::string summary;
  for (const auto& [tag, value] : values) {
    const auto bits = std::bit_cast<uint32_t>(static_cast<float>(value));
    summary += bytes_field(1, bytes_field(1, tag) + key(2, kFixed32) + little_endian(bits));
  }
  record(event_of(step) + bytes_field(5, summary));
}

void TensorBoardWriter::record(const std::string& event) {
  const auto length = little_endian(static_cast<uint64_t>(event.size()));
  file_ << length << masked_crc(length) << event << masked_crc(event) << std::flush;
  if (!file_) fail(path_.string(), "cannot be written");
}

}  // namespace ccexpert::train
