// Reader of TensorBoard's event files that shares no code with the writer: framing and protobuf as
// documented.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace ccexpert::test {

struct Event {
  double wall_time = 0.0;
  int64_t step = 0;
  std::string version;
  bool starts_session = false;
  std::map<std::string, float> scalars;
};

namespace event_file {

template <class Value>
Value take(std::string_view& bytes) {
  if (bytes.size() < sizeof(Value)) throw std::runtime_error("event file ends early");
  Value value;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return value;
}

inline std::string_view take_bytes(std::string_view& bytes, uint64_t count) {
  if (bytes.size() < count) throw std::runtime_error("event file ends early");
  const auto taken = bytes.substr(0, count);
  bytes.remove_prefix(count);
  return taken;
}

inline uint64_t take_varint(std::string_view& bytes) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = take<uint8_t>(bytes);
    value |= static_cast<uint64_t>(byte & 0x7fU) << shift;
    if (byte < 0x80) return value;
  }
}

/// Table-driven CRC-32C, masked as in TFRecord.
inline uint32_t masked_crc(std::string_view bytes) {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t entry = i;
    for (int bit = 0; bit < 8; ++bit) entry = entry % 2 == 0 ? entry / 2 : entry / 2 ^ 0x82f63b78U;
    table[i] = entry;
  }
  uint32_t crc = 0xffffffffU;
  for (const char byte : bytes) crc = crc >> 8 ^ table[(crc ^ static_cast<uint8_t>(byte)) & 0xffU];
  crc ^= 0xffffffffU;
  return (crc >> 15 | crc << 17) + 0xa282ead8U;
}

/// Calls visit(field, wire_type, rest) for each field; visit consumes the field's value from `rest`.
template <class Visit>
void for_each_field(std::string_view message, Visit&& visit) {
  while (!message.empty()) {
    const uint64_t key = take_varint(message);
    visit(key >> 3, key & 7, message);
  }
}

inline void read_value(std::string_view message, Event& event) {
  std::string tag;
  float value = 0.0F;
  for_each_field(message, [&](uint64_t field, uint64_t type, std::string_view& rest) {
    if (field == 1 && type == 2) {
      tag = take_bytes(rest, take_varint(rest));
    } else if (field == 2 && type == 5) {
      value = take<float>(rest);
    } else {
      throw std::runtime_error("unknown field of a value");
    }
  });
  event.scalars[tag] = value;
}

inline Event read_event(std::string_view message) {
  Event event;
  for_each_field(message, [&](uint64_t field, uint64_t type, std::string_view& rest) {
    if (field == 1 && type == 1) {
      event.wall_time = take<double>(rest);
    } else if (field == 2 && type == 0) {
      event.step = static_cast<int64_t>(take_varint(rest));
    } else if (field == 3 && type == 2) {
      event.version = take_bytes(rest, take_varint(rest));
    } else if (field == 7 && type == 2) {
      event.starts_session = take_bytes(rest, take_varint(rest)) == "\x08\x01";
    } else if (field == 5 && type == 2) {
      for_each_field(take_bytes(rest, take_varint(rest)), [&](uint64_t, uint64_t, std::string_view& values) {
        read_value(take_bytes(values, take_varint(values)), event);
      });
    } else {
      throw std::runtime_error("unknown field of an event");
    }
  });
  return event;
}

}  // namespace event_file

/// Throws std::runtime_error if a length, a checksum or a field is wrong.
inline std::vector<Event> read_event_file(std::string_view bytes) {
  std::vector<Event> events;
  while (!bytes.empty()) {
    const auto length_bytes = bytes.substr(0, 8);
    const auto length = event_file::take<uint64_t>(bytes);
    if (event_file::take<uint32_t>(bytes) != event_file::masked_crc(length_bytes))
      throw std::runtime_error("wrong checksum of a length");
    const auto message = event_file::take_bytes(bytes, length);
    if (event_file::take<uint32_t>(bytes) != event_file::masked_crc(message))
      throw std::runtime_error("wrong checksum of an event");
    events.push_back(event_file::read_event(message));
  }
  return events;
}

}  // namespace ccexpert::test
