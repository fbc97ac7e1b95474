// Encryption of connections by OpenSSL.
#pragma once

#include <filesystem>
#include <memory>

#include "serve/byte_stream.h"

namespace ccexpert::serve {

/// Certificate chain and key of a server, both in PEM. TLS 1.2 or newer. Thread-safe.
class Tls {
 public:
  /// Throws Error naming a file that does not fit.
  Tls(std::filesystem::path certificate, std::filesystem::path key);
  ~Tls();
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;

  /// Reads the files again, for new connections. Throws Error and keeps the old ones if they do not fit.
  void reload();

  /// Returns the encrypted stream over a socket that does not block, or null if the client does not finish
  /// the handshake before the deadline or the end of the server, after which `ending` can be read.
  std::unique_ptr<ByteStream> accept(int descriptor, Clock::time_point deadline, int ending) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ccexpert::serve
