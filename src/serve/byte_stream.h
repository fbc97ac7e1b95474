// Bytes of a connection, each operation with a deadline.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "serve/http.h"

namespace ccexpert::serve {

enum class StreamEnd {
  kNone,     ///< bytes were moved
  kClosed,   ///< the other side has sent its last byte
  kTimeout,  ///< the deadline passed
  kBroken,   ///< the connection or its encryption failed
};

struct Moved {
  size_t bytes = 0;
  StreamEnd end = StreamEnd::kNone;
};

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  /// Reads at least one byte, and at most `size`.
  virtual Moved read(char* data, size_t size, Clock::time_point deadline) = 0;
  /// Reads the first bytes of a request: if none have come, the end of the server is a deadline too.
  virtual Moved read_first(char* data, size_t size, Clock::time_point deadline) = 0;
  /// Writes at least one byte of a text that is not empty.
  virtual Moved write(std::string_view text, Clock::time_point deadline) = 0;
  /// Says to the other side that nothing follows.
  virtual void end_writing() = 0;
};

/// Waits until a descriptor is ready for `events` of poll(2). Returns false after the deadline, or after
/// `ending` (-1: none) can be read.
bool wait_for(int descriptor, short events, Clock::time_point deadline, int ending = -1);

/// True if the other side of a socket has closed it or its direction to us.
bool has_left(int descriptor);

/// Returns a stream over a socket that does not block. `ending` can be read after the server ends. Both
/// descriptors stay the caller's.
std::unique_ptr<ByteStream> plain_stream(int descriptor, int ending);

}  // namespace ccexpert::serve
