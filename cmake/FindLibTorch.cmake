#[[
Finds LibTorch in the layout of the Python wheel (include/, lib/) and defines

    LibTorch::cpu    libtorch_cpu and libc10, with the headers
    LibTorch::cuda   the same and libtorch_cuda, libc10_cuda (if the folder has them and CUDA is requested)
    LibTorch_CUDA_INCLUDE_DIRS   folders of CUDA's headers, which LibTorch's headers for GPUs include

It looks only in the folder of the CMake or environment variable CCEXPERT_LIBTORCH (with include/ and lib/, or with
torch/ in it); without that variable, in the user's cache, where scripts/setup.sh puts it. The component cuda requests
LibTorch::cuda. LibTorch's own TorchConfig.cmake is not used: it needs a CUDA toolkit for a CPU build and changes the
compiler flags of the project.
]]
set(CCEXPERT_LIBTORCH_VERSION 2.11.0)
set(_named "${CCEXPERT_LIBTORCH}")
if(NOT _named)
  set(_named "$ENV{CCEXPERT_LIBTORCH}")
endif()
set(_cache "$ENV{XDG_CACHE_HOME}")
if(NOT _cache)
  set(_cache "$ENV{HOME}/.cache")
endif()
set(_candidate "${_named}")
if(NOT _named)
  set(_candidate "${_cache}/ccexpert/libtorch-${CCEXPERT_LIBTORCH_VERSION}")
endif()

set(LibTorch_ROOT_DIR "")
foreach(_dir IN ITEMS "${_candidate}/torch" "${_candidate}")
  if(EXISTS "${_dir}/include/torch/headeronly/version.h")
    get_filename_component(LibTorch_ROOT_DIR "${_dir}" REALPATH)
  endif()
endforeach()

if(_named AND NOT LibTorch_ROOT_DIR)
  message(FATAL_ERROR
    "CCEXPERT_LIBTORCH: expected a folder with LibTorch ${CCEXPERT_LIBTORCH_VERSION}, got ${_named}")
endif()

set(LibTorch_VERSION "")
if(LibTorch_ROOT_DIR)
  file(STRINGS "${LibTorch_ROOT_DIR}/include/torch/headeronly/version.h" _lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
  foreach(_part IN ITEMS MAJOR MINOR PATCH)
    string(REGEX MATCH "TORCH_VERSION_${_part} ([0-9]+)" _ "${_lines}")
    list(APPEND LibTorch_VERSION "${CMAKE_MATCH_1}")
  endforeach()
  string(REPLACE ";" "." LibTorch_VERSION "${LibTorch_VERSION}")
endif()

set(_reason "run scripts/setup.sh, or set CCEXPERT_LIBTORCH to a folder with LibTorch's include/ and lib/")
if(EXISTS "${LibTorch_ROOT_DIR}/lib/libtorch_cuda.so" AND cuda IN_LIST LibTorch_FIND_COMPONENTS)
  # LibTorch's GPU headers include CUDA's, from the wheels beside it or from a toolkit.
  file(GLOB _nvidia_includes "${LibTorch_ROOT_DIR}/../nvidia/*/include")
  set(LibTorch_cuda_FOUND TRUE)
  foreach(_header IN ITEMS cuda nccl cublas_v2)
    find_path(LibTorch_${_header}_INCLUDE_DIR ${_header}.h
      HINTS ${_nvidia_includes} ENV CUDA_HOME /usr/local/cuda PATH_SUFFIXES include)
    mark_as_advanced(LibTorch_${_header}_INCLUDE_DIR)
    if(NOT LibTorch_${_header}_INCLUDE_DIR)
      set(LibTorch_cuda_FOUND FALSE)
      string(CONCAT _reason "expected CUDA's header ${_header}.h, got none (run scripts/setup.sh --cuda, or install the "
                            "CUDA toolkit with NCCL and name its folder in CUDA_HOME)")
    endif()
  endforeach()
elseif(LibTorch_ROOT_DIR AND cuda IN_LIST LibTorch_FIND_COMPONENTS)
  string(CONCAT _reason "expected LibTorch with CUDA, got ${LibTorch_ROOT_DIR} without lib/libtorch_cuda.so "
                        "(run scripts/setup.sh --cuda, or configure without CCEXPERT_CUDA)")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_ROOT_DIR VERSION_VAR LibTorch_VERSION HANDLE_VERSION_RANGE HANDLE_COMPONENTS
  REASON_FAILURE_MESSAGE "${_reason}")

if(LibTorch_FOUND AND NOT TARGET LibTorch::cpu)
  set(_includes "${LibTorch_ROOT_DIR}/include" "${LibTorch_ROOT_DIR}/include/torch/csrc/api/include")
  # libtorch_cpu of the CUDA wheel loads libcudart and libcupti: from the wheels beside it, or from a toolkit.
  file(GLOB _nvidia_dirs "${LibTorch_ROOT_DIR}/../nvidia/*/lib")
  set(_rpath_links "")
  foreach(_dir IN LISTS _nvidia_dirs)
    list(APPEND _rpath_links "-Wl,-rpath-link,${_dir}")
  endforeach()
  foreach(_dir IN ITEMS /usr/local/cuda/lib64 /usr/local/cuda/extras/CUPTI/lib64)
    if(EXISTS "${_dir}")
      list(APPEND _rpath_links "-Wl,-rpath-link,${_dir}")
    endif()
  endforeach()

  foreach(_lib IN ITEMS c10 torch_cpu)
    add_library(LibTorch::${_lib} SHARED IMPORTED)
    set_target_properties(LibTorch::${_lib} PROPERTIES
      IMPORTED_LOCATION "${LibTorch_ROOT_DIR}/lib/lib${_lib}.so"
      INTERFACE_INCLUDE_DIRECTORIES "${_includes}")
  endforeach()
  add_library(LibTorch::cpu INTERFACE IMPORTED)
  target_link_libraries(LibTorch::cpu INTERFACE LibTorch::torch_cpu LibTorch::c10)
  target_link_options(LibTorch::cpu INTERFACE ${_rpath_links})
  target_compile_definitions(LibTorch::cpu INTERFACE USE_DISTRIBUTED USE_C10D_GLOO)

  if(LibTorch_cuda_FOUND)
    # The linker drops libraries without referenced symbols; these register their kernels when they are loaded.
    add_library(LibTorch::cuda INTERFACE IMPORTED)
    target_link_libraries(LibTorch::cuda INTERFACE LibTorch::cpu
      -Wl,--push-state,--no-as-needed "${LibTorch_ROOT_DIR}/lib/libtorch_cuda.so"
      "${LibTorch_ROOT_DIR}/lib/libc10_cuda.so" -Wl,--pop-state)
    set(LibTorch_CUDA_INCLUDE_DIRS
        ${LibTorch_cuda_INCLUDE_DIR} ${LibTorch_nccl_INCLUDE_DIR} ${LibTorch_cublas_v2_INCLUDE_DIR})
    list(REMOVE_DUPLICATES LibTorch_CUDA_INCLUDE_DIRS)
    list(REMOVE_ITEM LibTorch_CUDA_INCLUDE_DIRS ${CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES})
    # A machine that only builds does not need the CUDA libraries that these load.
    target_link_options(LibTorch::cuda INTERFACE -Wl,--allow-shlib-undefined)
  endif()
endif()
