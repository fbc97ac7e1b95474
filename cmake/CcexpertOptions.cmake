# What a builder can choose, and the flags that hold for all of our own code.
option(CCEXPERT_CUDA "Build the GPU programs (CUDA and NCCL through LibTorch)" OFF)
option(CCEXPERT_BUILD_TOOLS "Build the command line tools" ON)
option(CCEXPERT_BUILD_TESTS "Build the tests" ON)
option(CCEXPERT_BUILD_BENCHMARKS "Build the kernel benchmarks in tests/bench" OFF)
option(CCEXPERT_WERROR "Treat warnings in our own code as errors, as CI does" OFF)
option(BUILD_SHARED_LIBS "Build the rooms as shared libraries" OFF)
option(CCEXPERT_CCACHE "Compile through ccache where it is installed" ON)
set(CCEXPERT_SANITIZE "" CACHE STRING "Sanitizers for our code, as 'address,undefined' (empty: none)")
set(CCEXPERT_ROOMS "all" CACHE STRING "Rooms to build: 'all', or a list as 'core;text;image'")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# Installed commands find LibTorch where they were built against it.
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

if(CCEXPERT_CCACHE)
  find_program(CCEXPERT_CCACHE_PROGRAM ccache)
  if(CCEXPERT_CCACHE_PROGRAM)
    # A precompiled header's time stamp would otherwise make every compilation a miss.
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
        CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCEXPERT_CCACHE_PROGRAM})
  endif()
endif()

add_library(ccexpert_flags INTERFACE)
target_compile_options(ccexpert_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion)
if(CCEXPERT_WERROR)
  target_compile_options(ccexpert_flags INTERFACE -Werror)
endif()
if(CCEXPERT_SANITIZE)
  target_compile_options(ccexpert_flags INTERFACE -fsanitize=${CCEXPERT_SANITIZE} -fno-omit-frame-pointer
                                                  -fno-sanitize-recover=all)
  target_link_options(ccexpert_flags INTERFACE -fsanitize=${CCEXPERT_SANITIZE})
endif()
