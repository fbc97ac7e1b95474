// The command itself: signals, sockets of a service manager, wrong arguments.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "serve/server_fixture.h"
#include "support/files.h"
#include "support/paths.h"
#include "support/temporary_folder.h"
#include "tools/local_socket.h"
#include "tools/process.h"

#ifdef CCEXPERT_SERVE
namespace ccexpert::serve::test {
namespace {

using ccexpert::test::content;
using ccexpert::test::Process;
using ccexpert::test::run_process;
using ccexpert::test::TemporaryFolder;
using ::testing::HasSubstr;

class ServeProcess : public ::testing::Test {
 protected:
  /// Waits until the model is loaded.
  static bool is_ready(int port, const httplib::Headers& headers = {}) {
    httplib::Client client("127.0.0.1", port);
    for (int i = 0; i < 600; ++i) {
      const auto result = client.Get("/readyz", headers);
      if (result && result->status == 200) return true;
      std::this_thread::sleep_for(50ms);
    }
    return false;
  }
  static int models_status(int port, const std::string& key) {
    httplib::Client client("127.0.0.1", port);
    const auto result = client.Get("/v1/models", httplib::Headers{{"Authorization", "Bearer " + key}});
    return result ? result->status : 0;
  }

  const TemporaryFolder folder_;
};

TEST_F(ServeProcess, SignalsReloadKeysAndEndTheServer) {
  const auto keys = folder_.write("keys", "a:0123456789abcdef\n");
  const auto log = folder_ / "access.log";
  const int port = ccexpert::test::free_port();
  Process server({CCEXPERT_SERVE, "--listen", fmt::format("127.0.0.1:{}", port), "--api-keys", keys.string(),
                  "--access-log", log.string(), "--name", "tiny", "--threads", "1"});
  ASSERT_TRUE(is_ready(port));
  EXPECT_EQ(models_status(port, "0123456789abcdef"), 200);
  // A line is written after its answer.
  for (int i = 0; i < 500 && content(log).find("\"key\":\"a\"") == std::string::npos; ++i)
    std::this_thread::sleep_for(20ms);
  folder_.write("keys", "b:fedcba9876543210\n");
  std::filesystem::rename(log, folder_ / "old.log");
  server.signal(SIGHUP);
  for (int i = 0; i < 500 && models_status(port, "fedcba9876543210") != 200; ++i)
    std::this_thread::sleep_for(20ms);
  EXPECT_EQ(models_status(port, "fedcba9876543210"), 200);
  EXPECT_EQ(models_status(port, "0123456789abcdef"), 401);
  server.signal(SIGTERM);
  const auto result = server.wait();
  EXPECT_THAT(content(log), HasSubstr("\"key\":\"b\""));
  EXPECT_THAT(content(folder_ / "old.log"), HasSubstr("\"key\":\"a\""));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("ccexpert-serve: ended\n"));
}

TEST_F(ServeProcess, AReaderOfTheLogThatIsGoneEndsNoServer) {
  const auto log = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(log.c_str(), 0600), 0);
  const int reader = ::open(log.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  const int port = ccexpert::test::free_port();
  Process server({CCEXPERT_SERVE, "--listen", fmt::format("127.0.0.1:{}", port), "--access-log", log.string(),
                  "--threads", "1"});
  ASSERT_TRUE(is_ready(port));
  ::close(reader);
  EXPECT_TRUE(is_ready(port));
  // The log is written once more in the end.
  server.signal(SIGTERM);
  const auto result = server.wait();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("pipe: cannot be written (Broken pipe; its lines wait)"));
}

TEST_F(ServeProcess, TakesTheSocketAndTellsTheServiceManager) {
  const auto path = (folder_ / "notify").string();
  const int notify = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(notify, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const int listening = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(listening, reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
  ASSERT_EQ(::listen(listening, 16), 0);
  socklen_t size = sizeof any;
  ASSERT_EQ(::getsockname(listening, reinterpret_cast<sockaddr*>(&any), &size), 0);
  Process server({"/bin/bash", "-c",
                  fmt::format("exec 3<&{}; export LISTEN_FDS=1 LISTEN_PID=$$ NOTIFY_SOCKET={}; exec {} "
                              "--threads 1 --access-log /dev/null",
                              listening, path, CCEXPERT_SERVE)});
  ASSERT_TRUE(is_ready(ntohs(any.sin_port)));
  ::close(listening);
  char text[256] = {};
  EXPECT_GT(::recv(notify, text, sizeof text - 1, 0), 0);
  EXPECT_STREQ(text, "READY=1\nSTATUS=serving demo");
  server.signal(SIGINT);
  EXPECT_EQ(server.wait().exit_code, 0);
  const std::string stopping = "STOPPING=1\nEXTEND_TIMEOUT_USEC=45000000";
  EXPECT_EQ(::recv(notify, text, sizeof text - 1, MSG_DONTWAIT), std::ssize(stopping));
  EXPECT_EQ(std::string(text, stopping.size()), stopping);
  ::close(notify);
}

TEST_F(ServeProcess, AReloadDuringTheLoadingIsNoReadiness) {
  const auto path = (folder_ / "notify").string();
  const int notify = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(notify, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const int port = ccexpert::test::free_port();
  Process server({"/usr/bin/env", "NOTIFY_SOCKET=" + path, CCEXPERT_SERVE, "--listen",
                  fmt::format("127.0.0.1:{}", port), "--threads", "1", "--access-log", "/dev/null"});
  httplib::Client client("127.0.0.1", port);
  while (!client.Get("/healthz")) std::this_thread::sleep_for(1ms);
  server.signal(SIGHUP);
  char text[256] = {};
  EXPECT_GT(::recv(notify, text, sizeof text - 1, 0), 0);
  EXPECT_STREQ(text, "READY=1\nSTATUS=serving demo");
  ::close(notify);
  server.signal(SIGTERM);
  EXPECT_THAT(server.wait().err, HasSubstr("read keys and certificate again"));
}

TEST_F(ServeProcess, UnitsAreValid) {
  if (std::system("systemd-analyze --version >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "no systemd-analyze on this machine";
  const std::filesystem::path source =
      std::filesystem::path(ccexpert::test::kSourceDir) / "tools/serve/systemd";
  auto unit = content(source / "ccexpert-serve.service");
  const std::string mark = "@bindir@/ccexpert-serve";
  const auto at = unit.find(mark);
  ASSERT_NE(at, std::string::npos);
  unit.replace(at, mark.size(), CCEXPERT_SERVE);
  const auto service = folder_.write("ccexpert-serve.service", unit);
  const auto socket = folder_.write("ccexpert-serve.socket", content(source / "ccexpert-serve.socket"));
  // The drop-in of the documentation.
  const auto docs = content(std::filesystem::path(ccexpert::test::kSourceDir) / "docs/serve.md");
  const std::string fence = "```ini\n";
  const auto start = docs.find(fence) + fence.size();
  auto drop_in = docs.substr(start, docs.find("```", start) - start);
  const std::string installed = "/usr/bin/ccexpert-serve";
  drop_in.replace(drop_in.find(installed), installed.size(), CCEXPERT_SERVE);
  folder_.write("ccexpert-serve.service.d/keys.conf", drop_in);
  const auto result = run_process(
      {"/usr/bin/env", "systemd-analyze", "verify", "--man=no", service.string(), socket.string()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, testing::Not(HasSubstr("ccexpert-serve")));
}

TEST_F(ServeProcess, WrongArgumentsAndModelsAreOneSentence) {
  const auto refusal = [](const std::vector<std::string>& arguments, int code) {
    std::vector<std::string> all{CCEXPERT_SERVE};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const auto result = run_process(all);
    EXPECT_EQ(result.exit_code, code);
    return result.err;
  };
  EXPECT_THAT(refusal({"--listen", "0.0.0.0:0"}, 2),
              HasSubstr("--listen 0.0.0.0: expected --api-keys for an address that other machines reach"));
  EXPECT_THAT(refusal({"--listen", "127.evil.example:0"}, 2),
              HasSubstr("expected --api-keys for an address"));
  EXPECT_THAT(refusal({"--listen", "2001:db8::1"}, 2),
              HasSubstr("--listen 2001:db8::1: expected --api-keys"));
  EXPECT_THAT(refusal({"--listen", "localhost:99999"}, 2),
              HasSubstr("HOST:PORT with a port from 0 to 65535"));
  EXPECT_THAT(refusal({"--certificate", "x.pem"}, 2), HasSubstr("--private-key require each other"));
  EXPECT_THAT(refusal({"--cors", "example.org"}, 2), HasSubstr("--cors: expected an origin as"));
  EXPECT_THAT(refusal({"--api-keys", "/no/such/file"}, 1), HasSubstr("/no/such/file"));
  const auto log = folder_ / "access.log";
  EXPECT_THAT(
      refusal({"--listen", ":0", "--model", folder_.path().string(), "--access-log", log.string()}, 1),
      HasSubstr("config.json"));
  EXPECT_FALSE(std::filesystem::exists(log));
  EXPECT_THAT(refusal({"--listen", "192.0.2.1:80", "--allow-anyone", "--access-log", log.string()}, 1),
              HasSubstr("192.0.2.1:80: cannot listen there"));
  EXPECT_FALSE(std::filesystem::exists(log));
}

}  // namespace
}  // namespace ccexpert::serve::test
#endif
