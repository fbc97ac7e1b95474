#include "serve/tls.h"

#include <algorithm>
#include <climits>
#include <cstring>
#include <mutex>
#include <utility>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>

#include <ccexpert/core/error.h>

#include "core/files.h"

namespace ccexpert::serve {
namespace {

using Context = std::shared_ptr<SSL_CTX>;

std::string reason() {
  char text[160] = "unknown";
  if (const auto code = ERR_get_error(); code != 0) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return text;
}

/// True for the error of a key that is not that of the certificate.
bool is_mismatch(unsigned long code) {
  return ERR_GET_LIB(code) == ERR_LIB_X509 && ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH;
}

/// Chooses HTTP/1.1 if the client offers protocols.
int choose_protocol(SSL* /*ssl*/, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* offered, unsigned offered_size, void* /*argument*/) {
  static constexpr unsigned char kOurs[] = "\x08http/1.1";
  auto* found = const_cast<unsigned char*>(*chosen);
  const int result = SSL_select_next_proto(&found, size, kOurs, sizeof kOurs - 1, offered, offered_size);
  *chosen = found;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/// Says in `asked` that a pass phrase is needed. There is nobody to type one: OpenSSL would wait at the
/// terminal, and the reload of a running server with it.
int no_pass_phrase(char* /*text*/, int /*size*/, int /*writes*/, void* asked) {
  if (asked != nullptr) *static_cast<bool*>(asked) = true;
  return -1;
}

/// Returns false if the file has no private key.
bool use_key(SSL_CTX* context, const std::filesystem::path& file) {
  bool asked = false;
  SSL_CTX_set_default_passwd_cb_userdata(context, &asked);
  const bool loaded = SSL_CTX_use_PrivateKey_file(context, file.c_str(), SSL_FILETYPE_PEM) == 1;
  SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
  if (asked) {
    ERR_clear_error();
    fail_expected({file.string(), "a private key without a pass phrase", "an encrypted one",
                   "openssl pkey -in KEY -out PLAIN writes it without"});
  }
  return loaded;
}

Context read_context(const std::filesystem::path& certificate, const std::filesystem::path& key) {
  Context context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) fail("TLS", "cannot start", reason(), ErrorKind::kResource);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  SSL_CTX_set_default_passwd_cb(context.get(), no_pass_phrase);
  // OpenSSL tells of a missing file as of one that is no PEM.
  for (const auto& file : {certificate, key})
    if (!is_there(file)) fail_system(file.string(), "cannot be opened", ENOENT);
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate.c_str()) != 1)
    fail_expected({certificate.string(), "a certificate chain in PEM", "another file", reason()});
  const bool loaded = use_key(context.get(), key);
  if (!loaded && !is_mismatch(ERR_peek_error()))
    fail_expected({key.string(), "a private key in PEM", "another file", reason()});
  // A key of another type than the certificate's loads without an error.
  if (!loaded || SSL_CTX_check_private_key(context.get()) != 1) {
    ERR_clear_error();
    fail_expected({key.string(), "the key of the certificate", "another key"});
  }
  return context;
}

class TlsStream : public ByteStream {
 public:
  TlsStream(const Context& context, int descriptor, int ending)
      : ssl_(SSL_new(context.get()), SSL_free), descriptor_(descriptor), ending_(ending) {
    if (ssl_) SSL_set_fd(ssl_.get(), descriptor);
  }

  bool accept(Clock::time_point deadline) {
    return ssl_ && moved(
                       deadline, [&] { return SSL_accept(ssl_.get()); }, ending_)
                           .end == StreamEnd::kNone;
  }
  Moved read(char* data, size_t size, Clock::time_point deadline) override {
    return received(data, size, deadline, -1);
  }
  Moved read_first(char* data, size_t size, Clock::time_point deadline) override {
    return received(data, size, deadline, ending_);
  }
  Moved write(std::string_view text, Clock::time_point deadline) override {
    const auto most = static_cast<int>(std::min<size_t>(text.size(), INT_MAX));
    return moved(deadline, [&] { return SSL_write(ssl_.get(), text.data(), most); });
  }
  void end_writing() override {
    if (!broken_) SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }

 private:
  Moved received(char* data, size_t size, Clock::time_point deadline, int ending) {
    const auto most = static_cast<int>(std::min<size_t>(size, INT_MAX));
    return moved(
        deadline, [&] { return SSL_read(ssl_.get(), data, most); }, ending);
  }
  /// Repeats a call until it is done, as the socket allows.
  template <class Call>
  Moved moved(Clock::time_point deadline, const Call& call, int ending = -1) {
    while (true) {
      ERR_clear_error();
      const int result = call();
      if (result > 0) return {static_cast<size_t>(result)};
      const int error = SSL_get_error(ssl_.get(), result);
      if (error == SSL_ERROR_ZERO_RETURN) return {0, StreamEnd::kClosed};
      if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return broken();
      const short events = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
      if (!wait_for(descriptor_, events, deadline, ending)) return {0, StreamEnd::kTimeout};
    }
  }
  Moved broken() {
    broken_ = true;
    ERR_clear_error();
    return {0, StreamEnd::kBroken};
  }

  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  int descriptor_;
  int ending_;
  bool broken_ = false;
};

}  // namespace

struct Tls::State {
  std::filesystem::path certificate, key;
  mutable std::mutex mutex;  ///< of `context`
  Context context;
};

Tls::Tls(std::filesystem::path certificate, std::filesystem::path key) : state_(std::make_unique<State>()) {
  state_->certificate = std::move(certificate);
  state_->key = std::move(key);
  reload();
}
Tls::~Tls() = default;

void Tls::reload() {
  auto context = read_context(state_->certificate, state_->key);
  const std::lock_guard lock(state_->mutex);
  state_->context = std::move(context);
}

std::unique_ptr<ByteStream> Tls::accept(int descriptor, Clock::time_point deadline, int ending) const {
  Context context;
  {
    const std::lock_guard lock(state_->mutex);
    context = state_->context;
  }
  auto stream = std::make_unique<TlsStream>(context, descriptor, ending);
  if (!stream->accept(deadline)) return nullptr;
  return stream;
}

}  // namespace ccexpert::serve
