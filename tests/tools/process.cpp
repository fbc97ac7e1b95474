#include "tools/process.h"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/files.h"

namespace ccexpert::test {
namespace {

std::string temporary_file() {
  std::string pattern = (std::filesystem::temp_directory_path() / "ccexpert-process-XXXXXX").string();
  const int descriptor = ::mkstemp(pattern.data());
  if (descriptor < 0) throw std::runtime_error("no temporary file");
  ::close(descriptor);
  return pattern;
}

std::string take(const std::string& path) {
  auto text = content(path);
  std::filesystem::remove(path);
  return text;
}

[[noreturn]] void become(const std::vector<std::string>& arguments, const std::string& out,
                         const std::string& err) {
  std::vector<char*> pointers;
  for (const auto& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
  ::dup2(::open(out.c_str(), O_WRONLY | O_TRUNC), STDOUT_FILENO);
  ::dup2(::open(err.c_str(), O_WRONLY | O_TRUNC), STDERR_FILENO);
  ::execv(pointers.front(), pointers.data());
  ::_exit(127);
}

}  // namespace

Process::Process(const std::vector<std::string>& arguments) : out_(temporary_file()), err_(temporary_file()) {
  pid_ = ::fork();
  if (pid_ == 0) become(arguments, out_, err_);
}

Process::~Process() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  wait();
}

void Process::signal(int number) const {
  ::kill(pid_, number);
}

std::string Process::err() const {
  return content(err_);
}

ProcessResult Process::wait() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  const int exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return {exit_code, take(out_), take(err_)};
}

}  // namespace ccexpert::test
