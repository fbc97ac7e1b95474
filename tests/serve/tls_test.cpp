#include <cstdlib>

#include <gmock/gmock.h>

#include "serve/server_fixture.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert::serve::test {
namespace {

using ccexpert::test::error_of;
using ::testing::EndsWith;
using ::testing::HasSubstr;

class TlsServer : public ServerTest {
 protected:
  void SetUp() override {
    config.certificate = folder_ / "chain.pem";
    config.private_key = folder_ / "key.pem";
    if (!make_certificate("first")) GTEST_SKIP() << "no openssl command on this machine";
  }

  bool make_certificate(const std::string& name,
                        const std::string& kind = "ec -pkeyopt ec_paramgen_curve:prime256v1") const {
    const auto command = fmt::format(
        "openssl req -x509 -newkey {} -nodes -days 2 -subj /CN={} -addext subjectAltName=IP:127.0.0.1 "
        "-keyout {} -out {} >/dev/null 2>&1",
        kind, name, config.private_key.string(), config.certificate.string());
    return std::system(command.c_str()) == 0;
  }

  /// Writes the private key with a pass phrase.
  bool lock_key(const std::filesystem::path& file) const {
    return std::system(fmt::format("openssl pkey -in {} -aes128 -passout pass:secret -out {} 2>/dev/null",
                                   config.private_key.string(), file.string())
                           .c_str()) == 0;
  }

  httplib::Client secure() const {
    httplib::Client made(fmt::format("https://127.0.0.1:{}", app->port()));
    made.enable_server_certificate_verification(false);
    made.set_read_timeout(5);
    return made;
  }
  /// True if the server shows a certificate that this file signs.
  bool shows(const std::filesystem::path& certificate) const {
    auto made = secure();
    made.enable_server_certificate_verification(true);
    made.set_ca_cert_path(certificate.string());
    const auto result = made.Get("/healthz");
    return result && result->status == 200;
  }
  const ccexpert::test::TemporaryFolder folder_;
};

TEST_F(TlsServer, AnswersEncryptedAndStreams) {
  start();
  EXPECT_EQ(secure().Get("/healthz")->status, 200);
  auto body = pair_json();
  body["stream"] = true;
  const auto result = secure().Post("/v1/captions", body.dump(), "application/json");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 200);
  EXPECT_THAT(result->body, HasSubstr("event: done"));
}

TEST_F(TlsServer, PlainRequestsGetNoAnswer) {
  start();
  EXPECT_EQ(raw().ask("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").find("HTTP/1.1 200"),
            std::string::npos);
}

TEST_F(TlsServer, HandshakesThatStopEnd) {
  config.limits.header_timeout = 0.2;
  start();
  EXPECT_EQ(raw().all(), "");
}

TEST_F(TlsServer, TheEndWaitsForNoHandshake) {
  start();
  const auto silent = raw();
  EXPECT_EQ(secure().Get("/healthz")->status, 200);
  EXPECT_TRUE(app->drain(3s));
  EXPECT_THAT(silent.all(), testing::Not(HasSubstr("HTTP")));
}

TEST_F(TlsServer, AKeyFileThatDoesNotFitKeepsTheCertificateFromNoReload) {
  config.api_keys = folder_.write("keys.txt", "0123456789abcdef\n");
  start();
  folder_.write("keys.txt", "short\n");
  ASSERT_TRUE(make_certificate("second"));
  EXPECT_THAT(error_of([&] { app->reload(); }), HasSubstr("keys.txt:1: expected a key"));
  EXPECT_TRUE(shows(config.certificate));
}

TEST_F(TlsServer, FilesThatDoNotFitAreRefusedAndTheOldOnesStay) {
  start();
  const auto first = folder_ / "first.pem";
  std::filesystem::copy_file(config.certificate, first);
  EXPECT_TRUE(shows(first));
  folder_.write("chain.pem", "nonsense");
  EXPECT_THAT(error_of([&] { app->reload(); }), HasSubstr("chain.pem: expected a certificate chain in PEM"));
  EXPECT_TRUE(shows(first));
  ASSERT_TRUE(make_certificate("second"));
  EXPECT_EQ(error_of([&] { app->reload(); }), "no error");
  EXPECT_FALSE(shows(first));
  EXPECT_TRUE(shows(config.certificate));
  auto other = config;
  other.private_key = folder_ / "other.pem";
  std::filesystem::copy_file(config.private_key, other.private_key);
  ASSERT_TRUE(make_certificate("third"));
  EXPECT_THAT(error_of([&] { App(other, limits, "9.9"); }),
              EndsWith("other.pem: expected the key of the certificate, got another key"));
  ASSERT_TRUE(make_certificate("fourth", "rsa:2048"));
  EXPECT_THAT(error_of([&] { App(other, limits, "9.9"); }),
              EndsWith("other.pem: expected the key of the certificate, got another key"))
      << "a key of another type";
  other.private_key = folder_ / "none.pem";
  EXPECT_THAT(error_of([&] { App(other, limits, "9.9"); }),
              HasSubstr("none.pem: cannot be opened (No such file"));
  other.private_key = folder_ / "locked.pem";
  ASSERT_TRUE(lock_key(other.private_key));
  EXPECT_THAT(error_of([&] { App(other, limits, "9.9"); }),
              HasSubstr("locked.pem: expected a private key without a pass phrase, got an encrypted one"));
  folder_.write("key.pem", "nonsense");
  EXPECT_THAT(error_of([&] { App(config, limits, "9.9"); }),
              HasSubstr("key.pem: expected a private key in PEM"));
}

}  // namespace
}  // namespace ccexpert::serve::test
