#include "serve/refused_clients.h"

#include <array>
#include <chrono>
#include <string>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace ccexpert::serve {
namespace {

using namespace std::chrono_literals;

/// Returns a socket that the test holds, after the other end was refused.
int refused(RefusedClients& clients) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
  clients.add(ends[0], "no");
  return ends[1];
}

std::string read_all(int descriptor) {
  std::array<char, 16> bytes{};
  const auto got = ::recv(descriptor, bytes.data(), bytes.size(), 0);
  return got > 0 ? std::string(bytes.data(), static_cast<size_t>(got)) : std::string();
}

bool takes(int descriptor, const std::string& text) {
  return ::send(descriptor, text.data(), text.size(), MSG_NOSIGNAL) == std::ssize(text);
}

TEST(RefusedClients, AreReadUntilTheyEnd) {
  RefusedClients clients(1h);
  const int client = refused(clients);
  EXPECT_EQ(read_all(client), "no");
  EXPECT_EQ(read_all(client), "");
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(takes(client, std::string(64 << 10, 'x'))) << i;
    clients.look();
  }
  EXPECT_EQ(clients.size(), 1);
  ::close(client);
  clients.look();
  EXPECT_EQ(clients.size(), 0);
  EXPECT_EQ(clients.next_end(), -1);
}

TEST(RefusedClients, HaveTheirTime) {
  RefusedClients patient(1h);
  const int staying = refused(patient);
  patient.look();
  EXPECT_EQ(patient.size(), 1);
  EXPECT_GT(patient.next_end(), 0);
  EXPECT_LE(patient.next_end(), 3'600'000);
  std::vector<pollfd> polls;
  patient.add_to(polls);
  EXPECT_EQ(::poll(polls.data(), polls.size(), 0), 0);
  RefusedClients hasty(0s);
  const int leaving = refused(hasty);
  EXPECT_EQ(hasty.next_end(), 0);
  hasty.look();
  EXPECT_EQ(hasty.size(), 0);
  EXPECT_FALSE(takes(leaving, "x"));
  ::close(staying);
  ::close(leaving);
}

TEST(RefusedClients, AreNotTooMany) {
  RefusedClients clients(1h);
  const int first = refused(clients);
  std::vector<int> others;
  for (size_t i = 0; i < RefusedClients::kMost; ++i) others.push_back(refused(clients));
  EXPECT_EQ(clients.size(), RefusedClients::kMost);
  EXPECT_FALSE(takes(first, "x"));
  EXPECT_TRUE(takes(others.front(), "x"));
  clients.close_all();
  EXPECT_FALSE(takes(others.back(), "x"));
  ::close(first);
  for (const int each : others) ::close(each);
}

}  // namespace
}  // namespace ccexpert::serve
