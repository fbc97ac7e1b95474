/// Versions and hardware of this build.
#pragma once

#include <string>

namespace ccexpert::generate {

struct BuildInfo {       ///< Versions and hardware
  std::string version;   ///< of ccexpert
  std::string libtorch;  ///< version of LibTorch
  std::string cpu;       ///< instruction set that LibTorch uses here, and the number of threads
  std::string gpu;       ///< number and names of the GPUs, or the reason why none is used
};

BuildInfo build_info();  ///< Returns those of this build and machine

}  // namespace ccexpert::generate
