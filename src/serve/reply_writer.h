// Answers of a connection, as its client takes them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "serve/byte_stream.h"
#include "serve/connection_state.h"
#include "serve/http.h"
#include "serve/shared/server_config.h"

namespace ccexpert::serve {

/// Every member that sends throws ClientLeft if the client does not take the bytes in time.
class ReplyWriter {
 public:
  /// All must outlive this object.
  ReplyWriter(ByteStream& stream, const ServerLimits& limits, ConnectionState& state)
      : stream_(stream), limits_(limits), state_(state) {}

  /// Choices of a whole reply.
  struct Form {
    bool keeps = false;    ///< the connection stays for another request
    bool has_body = true;  ///< false: the request asked for the header only
  };

  /// Returns the bytes of a whole reply.
  static std::string text_of(const Reply& reply, Form form);

  /// Begins the answer to a request. All waits of an answer are counted together.
  void begin();
  /// Sends a whole reply.
  void send(const Reply& reply, Form form);
  /// Sends the header of an answer in pieces: in chunks, or up to the end of the connection.
  void start(const Reply& head, bool in_chunks, bool keeps);
  void write(std::string_view piece);
  /// Ends an answer in pieces, after which the client knows that it is whole.
  void finish();
  /// Sends bytes as they are.
  void send_text(std::string_view text);

  bool is_streaming() const { return is_streaming_; }
  /// Returns the bytes of the answer so far.
  uint64_t sent() const { return sent_; }

 private:
  ByteStream& stream_;
  const ServerLimits& limits_;
  ConnectionState& state_;
  Clock::duration patience_{};  ///< time that the client still has to take the answer
  uint64_t sent_ = 0;
  bool is_streaming_ = false;
  bool is_chunked_ = false;
};

}  // namespace ccexpert::serve
