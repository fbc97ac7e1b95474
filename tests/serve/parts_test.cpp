// Parts of the server that need no connection.
#include <algorithm>
#include <csignal>
#include <memory>
#include <sstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/json.h"
#include "serve/access_log.h"
#include "serve/api_keys.h"
#include "serve/assets.h"
#include "serve/connection_state.h"
#include "serve/multipart.h"
#include "serve/pixel_memory.h"
#include "serve/shared/service_manager.h"
#include "serve/shared/this_machine.h"
#include "serve/sockets.h"
#include "support/environment.h"
#include "support/errors.h"
#include "support/files.h"
#include "support/temporary_folder.h"

namespace ccexpert::serve {
namespace {

using ccexpert::test::content;
using ccexpert::test::error_of;
using ccexpert::test::TemporaryFolder;
using ::testing::HasSubstr;

TEST(ApiKeys, RefuseFilesThatAreTooWeakWithoutShowingTheKey) {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::string& text) {
    const auto file = folder.write("keys", text);
    return error_of([&] { ApiKeys keys(file); });
  };
  EXPECT_THAT(refusal("\n# only a comment\n"), HasSubstr("expected at least one API key, got none"));
  const auto weak = refusal("a:0123456789abcdef\nb:tooshort\n");
  EXPECT_THAT(weak, HasSubstr("keys:2: expected a key of at least 16 characters, got 8"));
  EXPECT_THAT(weak, ::testing::Not(HasSubstr("tooshort")));
  EXPECT_THAT(refusal("a:0123456789abcdef\nb:0123456789abcdef\n"),
              HasSubstr("keys:2: the key is there twice"));
}

TEST(ApiKeys, KeepOldKeysIfTheFileDoesNotFit) {
  const TemporaryFolder folder;
  const auto file = folder.write("keys", "0123456789abcdef\n");
  ApiKeys keys(file);
  EXPECT_EQ(keys.name_of("0123456789abcdef"), "line 1");
  EXPECT_EQ(keys.name_of(""), std::nullopt);
  folder.write("keys", "short\n");
  EXPECT_NE(error_of([&] { keys.reload(); }), "no error");
  EXPECT_EQ(keys.name_of("0123456789abcdef"), "line 1");
}

TEST(AccessLog, LinesAreJsonWhateverTheClientSends) {
  const TemporaryFolder folder;
  AccessLog log(folder / "access.log");
  Request request{.method = "GET", .path = "/\"\n\x1b[31m\xff" + std::string(5000, 'x'), .query = {}};
  request.headers.push_back({"User-Agent", "a\r\nb"});
  request.id = "7";
  log.add({request, 404, 12, 0.5});
  const auto text = content(folder / "access.log");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_LT(text.size(), 1000);
  const auto line = parse_json(text, "log");
  EXPECT_EQ(line["status"], 404);
  EXPECT_EQ(line["agent"], "a\\r\\nb");
  std::filesystem::rename(folder / "access.log", folder / "old.log");
  log.reopen();
  log.add({request, 200, 1, 0.1});
  EXPECT_THAT(content(folder / "access.log"), HasSubstr("\"status\":200"));
}

TEST(AccessLog, LeavesNoFileWithoutALine) {
  namespace fs = std::filesystem;
  const TemporaryFolder folder;
  const auto file = folder / "access.log";
  { const AccessLog log(file); }
  EXPECT_FALSE(fs::exists(file));
  {
    AccessLog log(file);
    log.add({Request{.method = "GET", .path = "/", .query = {}}, 200, 1, 0.1});
  }
  EXPECT_TRUE(fs::exists(file));
  folder.write("access.log", "");
  { const AccessLog log(file); }
  EXPECT_TRUE(fs::exists(file)) << "it was there before";
  fs::remove(file);
  {
    const AccessLog log(file);
    fs::rename(file, folder / "old.log");
    folder.write("access.log", "");
  }
  EXPECT_TRUE(fs::exists(file)) << "it is another file";
}

TEST(AccessLog, LeavesTheFileOfAnother) {
  const TemporaryFolder folder;
  const auto file = folder / "access.log";
  auto first = std::make_unique<AccessLog>(file);
  const AccessLog second(file);
  first.reset();
  EXPECT_TRUE(std::filesystem::exists(file)) << "the second one writes there";
}

TEST(AccessLog, WaitsForNoReader) {
  const TemporaryFolder folder;
  const auto path = folder / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  AccessLog log(path);
  const Request request{.method = "GET", .path = "/" + std::string(250, 'x'), .query = {}};
  for (int i = 0; i < 4000; ++i) log.add({request, 200, 12, 0.5});
  std::string text;
  const auto read_all = [&] {
    char bytes[65536];
    while (true) {
      const auto got = ::read(reader, bytes, sizeof bytes);
      if (got <= 0) return;
      text.append(bytes, static_cast<size_t>(got));
    }
  };
  for (int i = 0; i < 40; ++i) {
    read_all();
    log.add({request, 201, 12, 0.5});
  }
  read_all();
  ::close(reader);
  std::istringstream lines(text);
  int64_t written = 0, lost = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto value = parse_json(line, "log");
    value.contains("lost") ? lost += value["lost"].get<int64_t>() : ++written;
  }
  EXPECT_GT(lost, 100);
  EXPECT_EQ(written + lost, 4040);
}

TEST(AccessLog, LinesThatCannotBeWrittenWaitAndAreToldOnce) {
  const TemporaryFolder folder;
  const auto path = folder / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const auto open_pipe = [&] { return ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC); };
  const int first = open_pipe();
  AccessLog log(path);
  ::close(first);
  const auto old = std::signal(SIGPIPE, SIG_IGN);
  testing::internal::CaptureStderr();
  for (const char* method : {"GET", "PUT"}) log.add({Request{.method = method, .path = "/", .query = {}}});
  const auto told = testing::internal::GetCapturedStderr();
  const int reader = open_pipe();
  log.add({Request{.method = "POST", .path = "/", .query = {}}});
  char bytes[4096] = "";
  const auto got = ::read(reader, bytes, sizeof bytes);
  ::close(reader);
  static_cast<void>(std::signal(SIGPIPE, old));
  EXPECT_THAT(told, HasSubstr("pipe: cannot be written (Broken pipe; its lines wait)"));
  EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 1) << told;
  EXPECT_THAT(std::string(bytes, static_cast<size_t>(std::max<ssize_t>(got, 0))),
              testing::AllOf(HasSubstr("GET"), HasSubstr("PUT"), HasSubstr("POST")));
}

TEST(Form, PartsMayBeEmptyAndHoldTheBoundaryWithoutItsLine) {
  const std::string body =
      "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n"
      "--b\r\ncontent-disposition: form-data; filename=x; word; name=f\r\n\r\n--b--\n-- b\r\n--b--\r\n";
  const auto parts = parse_form(body, "multipart/form-data; charset=utf-8; boundary=\"b\"");
  ASSERT_EQ(parts.size(), 2);
  EXPECT_EQ(parts[0].name, "a");
  EXPECT_EQ(parts[0].content, "");
  EXPECT_FALSE(parts[0].is_file);
  EXPECT_EQ(parts[1].name, "f");
  EXPECT_TRUE(parts[1].is_file);
  EXPECT_EQ(parts[1].content, "--b--\n-- b");
}

TEST(Assets, TheOpenApiDocumentIsJsonWhoseReferencesExist) {
  std::string text;
  for (const auto& each : assets()) {
    if (each.name == "openapi.json") text = each.text;
  }
  const auto document = parse_json(text, "openapi.json");
  size_t references = 0;
  const std::function<void(const nlohmann::json&)> visit = [&](const nlohmann::json& value) {
    if (value.is_object() && value.contains("$ref")) {
      ++references;
      const auto pointer = value["$ref"].get<std::string>().substr(1);
      EXPECT_TRUE(document.contains(nlohmann::json::json_pointer(pointer))) << pointer;
    }
    if (value.is_structured()) {
      for (const auto& each : value) visit(each);
    }
  };
  visit(document);
  EXPECT_GT(references, 50);
}

TEST(ServiceManager, MessagesReachItsSocket) {
  const TemporaryFolder folder;
  const auto path = (folder / "notify").string();
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const ccexpert::test::Environment variable("NOTIFY_SOCKET", path.c_str());
  notify_manager("READY=1");
  char text[64] = {};
  EXPECT_EQ(::recv(socket, text, sizeof text, MSG_DONTWAIT), 7);
  EXPECT_STREQ(text, "READY=1");
  ::close(socket);
}

TEST(ThisMachine, IsLocalhostOrALoopbackAddress) {
  for (const char* host : {"localhost", "LOCALHOST", "127.0.0.1", "127.255.0.1", "::1", "0:0:0:0:0:0:0:1"})
    EXPECT_TRUE(is_this_machine(host)) << host;
  for (const char* host : {"", "127.evil.example", "127.0.0.1.evil.example", "localhost.example", "128.0.0.1",
                           "::2", "0.0.0.0", "127.1"})
    EXPECT_FALSE(is_this_machine(host)) << host;
}

TEST(Sockets, AddressesThatTheMachineLacksArePassedOver) {
  sockaddr_in other{}, own{};
  other.sin_family = own.sin_family = AF_INET;
  other.sin_addr.s_addr = htonl(0xc0000201);  // 192.0.2.1, for documentation (RFC 5737)
  own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  addrinfo second{}, first{};
  first.ai_family = second.ai_family = AF_INET;
  first.ai_socktype = second.ai_socktype = SOCK_STREAM;
  first.ai_addrlen = second.ai_addrlen = sizeof own;
  first.ai_addr = reinterpret_cast<sockaddr*>(&other);
  second.ai_addr = reinterpret_cast<sockaddr*>(&own);
  EXPECT_THAT(error_of([&] { bound_sockets(first, false, "here:0"); }),
              HasSubstr("here:0: cannot listen there"));
  first.ai_next = &second;
  for (const bool single : {false, true}) {
    const auto sockets = bound_sockets(first, single, "here:0");
    ASSERT_EQ(sockets.size(), 1);
    EXPECT_GT(port_of(sockets.front()), 0);
    ::close(sockets.front());
  }
}

TEST(PixelMemory, RequestsWaitUntilTheirShareIsFree) {
  const PixelMemory memory(100);
  auto first = memory.take(80, [] { FAIL(); });
  EXPECT_EQ(memory.held(), 80);
  memory.take(20, [] { FAIL(); });
  EXPECT_EQ(memory.held(), 80);
  EXPECT_EQ(error_of([&] { memory.take(21, [] { fail("a", "gave up"); }); }), "a: gave up");
  int looks = 0;
  const auto second = memory.take(60, [&] {
    if (++looks == 2) first.reset();
  });
  EXPECT_EQ(looks, 2);
  EXPECT_EQ(memory.held(), 60);
}

TEST(PixelMemory, LargerPairsThanTheMemoryAreAlone) {
  const PixelMemory memory(100);
  const auto large = memory.take(1000, [] { FAIL(); });
  EXPECT_NE(error_of([&] { memory.take(1, [] { fail("a", "gave up"); }); }), "no error");
}

TEST(ServiceManager, SocketsForOtherMachinesAreKnown) {
  const auto local_at = [](uint32_t host) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(host);
    EXPECT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const bool local = is_local(socket);
    ::close(socket);
    return local;
  };
  EXPECT_TRUE(local_at(INADDR_LOOPBACK));
  EXPECT_FALSE(local_at(INADDR_ANY));
}

TEST(Connections, ShowPhasesWithTheirStarts) {
  ConnectionState state;
  EXPECT_EQ(state.seen().phase, Phase::kIdle);
  for (const auto phase : {Phase::kHeader, Phase::kBody, Phase::kBusy, Phase::kWriting, Phase::kIdle}) {
    const auto before = Clock::now();
    state.set(phase);
    const auto seen = state.seen();
    EXPECT_EQ(seen.phase, phase);
    EXPECT_GE(seen.since, before);
    EXPECT_LE(seen.since, Clock::now());
  }
}

TEST(ServiceManager, SocketsOfAnotherProcessAreNotTaken) {
  const ccexpert::test::Environment count("LISTEN_FDS", "1"), process("LISTEN_PID", "1");
  EXPECT_TRUE(passed_sockets().empty());
  EXPECT_EQ(std::getenv("LISTEN_FDS"), nullptr);
}

}  // namespace
}  // namespace ccexpert::serve
