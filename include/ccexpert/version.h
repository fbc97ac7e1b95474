/// What this build is made of and runs on.
#pragma once

#include <string>

namespace ccexpert {

struct BuildInfo {
  std::string version;   ///< of ccexpert
  std::string libtorch;  ///< version of LibTorch
  std::string cpu;       ///< instruction set that LibTorch uses here, and the number of threads
  std::string gpu;       ///< number and names of the GPUs, or why there is none
};

BuildInfo build_info();

}  // namespace ccexpert
