#include "support/ranks.h"

#include <cstdlib>
#include <sstream>
#include <thread>

#include <ATen/Parallel.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ccexpert/core/error.h>

#include "support/temporary_folder.h"

namespace ccexpert::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using Variables = std::vector<std::pair<std::string, std::string>>;

constexpr const char* kFolderVariable = "CCEXPERT_TEST_RANKS";
constexpr std::chrono::seconds kPatience(100);
constexpr std::chrono::milliseconds kPoll(5);

std::string current_test() {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  return std::string(test->test_suite_name()) + "." + test->name();
}

fs::path output_of(const fs::path& folder, int rank) {
  return folder / ("output-" + std::to_string(rank));
}

/// Returns the path of the file that marks that the copy found its test and reached the end of its body.
fs::path mark_of(const fs::path& folder, int rank) {
  return folder / ("done-" + std::to_string(rank));
}

std::string content(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

pid_t start(int rank, const Variables& variables, const fs::path& folder) {
  const auto filter = "--gtest_filter=" + current_test();
  const auto output = output_of(folder, rank);
  const pid_t parent = ::getpid(), process = ::fork();
  if (process != 0) return process;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
  const int file = ::open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::dup2(file, STDOUT_FILENO);
  ::dup2(file, STDERR_FILENO);
  ::execl("/proc/self/exe", "ranks", filter.c_str(), nullptr);
  ::_exit(127);
}

/// Processes that still run; the destructor kills them.
class Copies {
 public:
  Copies(int count, const RankOptions& options) : options_(options) {
    const auto port = std::to_string(free_port()), size = std::to_string(count);
    for (int rank = 0; rank < count; ++rank) {
      if (options.absent.contains(rank)) continue;
      const auto own = std::to_string(rank);
      running_[rank] = start(rank,
                             {{"RANK", own},
                              {"WORLD_SIZE", size},
                              {"LOCAL_RANK", own},
                              {"LOCAL_WORLD_SIZE", size},
                              {"MASTER_ADDR", "127.0.0.1"},
                              {"MASTER_PORT", port},
                              {"OMP_NUM_THREADS", "1"},
                              {kFolderVariable, folder_.path().string()}},
                             folder_.path());
    }
  }
  ~Copies() {
    for (const auto& [rank, process] : running_) {
      ::kill(process, SIGKILL);
      ::waitpid(process, nullptr, 0);
    }
  }
  Copies(const Copies&) = delete;
  Copies& operator=(const Copies&) = delete;

  void wait() {
    const auto deadline = Clock::now() + kPatience;
    while (waits() && Clock::now() < deadline) {
      std::erase_if(running_, [this](const auto& item) { return reap(item.first, item.second); });
      std::this_thread::sleep_for(kPoll);
    }
    for (const auto& [rank, process] : running_) {
      if (!options_.lost.contains(rank)) report(rank, "did not end");
    }
  }

 private:
  bool waits() const {
    return std::any_of(running_.begin(), running_.end(),
                       [this](const auto& item) { return !options_.lost.contains(item.first); });
  }

  bool reap(int rank, pid_t process) const {
    int status = 0;
    if (::waitpid(process, &status, WNOHANG) != process) return false;
    if (options_.lost.contains(rank)) return true;
    if (WIFSIGNALED(status)) {
      report(rank, "was ended by signal " + std::to_string(WTERMSIG(status)));
    } else if (WEXITSTATUS(status) != 0 || !fs::exists(mark_of(folder_.path(), rank))) {
      report(rank, "failed");
    }
    return true;
  }

  void report(int rank, const std::string& what) const {
    ADD_FAILURE() << "rank " << rank << " " << what << ":\n" << content(output_of(folder_.path(), rank));
  }

  const RankOptions options_;
  const TemporaryFolder folder_;
  std::map<int, pid_t> running_;
};

}  // namespace

int free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const bool bound = ::bind(socket, generic, size) == 0 && ::getsockname(socket, generic, &size) == 0;
  ::close(socket);
  if (!bound) fail("ranks of a test", "no free port");
  return ntohs(address.sin_port);
}

bool in_a_rank() {
  return std::getenv(kFolderVariable) != nullptr;
}

fs::path shared_folder() {
  return std::getenv(kFolderVariable);
}

void in_ranks(int count, const std::function<void(int rank)>& body, const RankOptions& options) {
  if (!in_a_rank()) {
    Copies(count, options).wait();
    return;
  }
  at::set_num_threads(1);
  const int rank = distributed::rank_from_environment().rank;
  body(rank);
  std::ofstream(mark_of(shared_folder(), rank)) << "done\n";
}

std::unique_ptr<distributed::Communicator> join_ranks(const distributed::JoinOptions& options) {
  return distributed::join(distributed::rank_from_environment(), at::kCPU, options);
}

std::unique_ptr<distributed::Communicator> join_ranks(std::chrono::milliseconds timeout) {
  return join_ranks(distributed::JoinOptions{.timeout = timeout});
}

}  // namespace ccexpert::test
