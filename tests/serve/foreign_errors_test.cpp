// Memory that runs out while clients connect, and in threads of connections.
#include <gmock/gmock.h>

#include "serve/server_fixture.h"
#include "support/scarce_memory.h"

namespace ccexpert::serve::test {
namespace {

using ::testing::StartsWith;

class ForeignErrorsOfServers : public ServerTest {
 protected:
  void SetUp() override {
    config.port = 0;
    config.limits.max_connections = 1;
    app = std::make_unique<App>(config, limits, "9.9");
    app->add({.method = "GET", .path = "/word", .handler = [](const Request&, Exchange&) {
                return Reply{.body = "word"};
              }});
    app->add(
        {.method = "GET", .path = "/none", .handler = [](const Request&, Exchange&) -> std::optional<Reply> {
           ccexpert::test::take_memory_of_this_thread();
           throw std::bad_alloc();
         }});
    app->start();
  }
  /// Returns the answer, "" if the server gives none.
  std::string answer(const std::string& path) const {
    const auto client = raw();
    client.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    return client.all();
  }
  /// Waits until all connections have ended.
  bool is_quiet() const {
    for (int i = 0; i < 1000; ++i) {
      if (app->metrics().text().find("ccexpert_connections 0\n") != std::string::npos) return true;
      std::this_thread::sleep_for(2ms);
    }
    return false;
  }
};

TEST_F(ForeignErrorsOfServers, NoFailedAllocationCostsAConnection) {
  bool has_failed = true;
  for (int64_t place = 0; has_failed && !HasFailure(); ++place) {
    {
      const ccexpert::test::ScarceElsewhere scarce(place);
      answer("/word");
      ASSERT_TRUE(is_quiet()) << place;
      has_failed = scarce.has_failed();
    }
    EXPECT_THAT(answer("/word"), StartsWith("HTTP/1.1 200 ")) << place;
    ASSERT_TRUE(is_quiet()) << place;
  }
}

TEST_F(ForeignErrorsOfServers, AConnectionWithoutMemoryEndsAlone) {
  EXPECT_EQ(answer("/none"), "");
  EXPECT_TRUE(is_quiet());
  EXPECT_THAT(answer("/word"), StartsWith("HTTP/1.1 200 "));
}

}  // namespace
}  // namespace ccexpert::serve::test
