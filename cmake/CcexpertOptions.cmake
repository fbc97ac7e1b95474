# Build options, and the compiler flags of our own code.
option(CCEXPERT_CUDA "Build the GPU programs (CUDA and NCCL through LibTorch)" OFF)
option(CCEXPERT_BUILD_TOOLS "Build the command line tools" ON)
option(CCEXPERT_BUILD_TESTS "Build the tests" ON)
option(CCEXPERT_BUILD_BENCHMARKS "Build the kernel benchmarks in tests/bench" OFF)
option(CCEXPERT_BUILD_FUZZERS "Build the fuzz targets in tests/fuzz (clang)" OFF)
option(CCEXPERT_WERROR "Treat warnings in our own code as errors, as CI does" OFF)
option(BUILD_SHARED_LIBS "Build the rooms as shared libraries" OFF)
option(CCEXPERT_CCACHE "Compile through ccache if it is installed" ON)
set(CCEXPERT_SANITIZE "" CACHE STRING "Sanitizers for our code, for instance 'address,undefined' (empty: none)")
set(CCEXPERT_ROOMS "all" CACHE STRING "Rooms to build: 'all', or a list such as 'core;text;image'")

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
    set(CMAKE_CXX_COMPILER_LAUNCHER "${PROJECT_SOURCE_DIR}/cmake/ccache.sh" "${PROJECT_SOURCE_DIR}"
        "${CCEXPERT_CCACHE_PROGRAM}")
  endif()
endif()

# at::parallel_for is compiled where it is called, and runs on one thread without OpenMP. LibTorch has loaded the same
# libgomp. clang, which compiles fuzz targets, has no omp.h.
set(parallel_options "")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(parallel_options -fopenmp)
endif()
function(ccexpert_run_parallel target)
  if(parallel_options)
    target_compile_options(${target} PRIVATE ${parallel_options})
    target_link_libraries(${target} PRIVATE gomp)
  endif()
endfunction()

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
