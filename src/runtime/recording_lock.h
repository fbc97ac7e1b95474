// Exclusion between a recording and waits for the whole device, which would end it.
#pragma once

#include <shared_mutex>

namespace ccexpert::runtime {

/// Held exclusively while work is recorded, and shared during a wait for the device.
std::shared_mutex& recording_lock();

}  // namespace ccexpert::runtime
