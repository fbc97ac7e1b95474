#include "core/mapped_guard.h"

#include <cerrno>
#include <csignal>
#include <mutex>

#include <sys/mman.h>
#include <unistd.h>

namespace ccexpert {
namespace {

using Range = MappedGuard::Range;

std::atomic<Range*> all_ranges{nullptr};
struct sigaction earlier_action {};
uintptr_t page_bytes = 4096;

Range* range_of(uintptr_t address) {
  for (Range* range = all_ranges.load(); range != nullptr; range = range->next) {
    if (address >= range->begin.load() && address < range->end.load()) return range;
  }
  return nullptr;
}

void pass_on(int signal, siginfo_t* info, void* context) {
  if ((earlier_action.sa_flags & SA_SIGINFO) != 0) return earlier_action.sa_sigaction(signal, info, context);
  if (earlier_action.sa_handler != SIG_DFL && earlier_action.sa_handler != SIG_IGN)
    return earlier_action.sa_handler(signal);
  // The instruction runs again and ends the process as without this handler.
  ::signal(signal, SIG_DFL);
}

/// Maps zeros over the missing bytes, from the page that was read to the end of the mapping.
void on_bus_error(int signal, siginfo_t* info, void* context) {
  const int saved = errno;
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  Range* range = info->si_code == BUS_ADRERR ? range_of(address) : nullptr;
  if (range == nullptr) return pass_on(signal, info, context);
  range->broken = true;
  const uintptr_t within_page = address % page_bytes;
  void* page = static_cast<char*>(info->si_addr) - within_page;
  void* zeros = ::mmap(page, range->end - (address - within_page), PROT_READ,
                       MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (zeros == MAP_FAILED) pass_on(signal, info, context);
  errno = saved;
}

void install_handler() {
  page_bytes = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGBUS, &action, &earlier_action);
}

Range* free_range() {
  for (Range* range = all_ranges.load(); range != nullptr; range = range->next) {
    if (!range->taken.exchange(true)) return range;
  }
  auto* made = new Range;
  made->taken = true;
  made->next = all_ranges.load();
  while (!all_ranges.compare_exchange_weak(made->next, made)) {
  }
  return made;
}

}  // namespace

MappedGuard::MappedGuard(const void* data, size_t bytes) {
  static std::once_flag installed;
  std::call_once(installed, install_handler);
  range_ = free_range();
  range_->broken = false;
  range_->begin = reinterpret_cast<uintptr_t>(data);
  range_->end = reinterpret_cast<uintptr_t>(data) + bytes;
}

MappedGuard::~MappedGuard() {
  range_->end = 0;
  range_->begin = 0;
  range_->taken = false;
}

bool MappedGuard::is_broken() const {
  return range_->broken;
}

}  // namespace ccexpert
