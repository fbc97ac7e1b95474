// Long work that Ctrl-C ends.
#pragma once

#include <functional>
#include <stop_token>

namespace ccexpert::python {

/// Runs `work` without Python's lock. Only Python's main thread handles signals; called there, `work` runs on
/// another thread while this one calls the handlers. An exception of a handler requests a stop, and is thrown
/// after `work` has returned. On other threads `work` runs where this is called, and its token never stops.
/// The caller holds the lock.
void run_interruptible(const std::function<void(const std::stop_token&)>& work);

}  // namespace ccexpert::python
