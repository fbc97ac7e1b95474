#[[
Precompiled headers in cmake/pch, each compiled once for all targets that use it:

    ccexpert_add_pch(base [OPTIONS -O1] [LINK CLI11::CLI11])    compiles cmake/pch/base.h
    ccexpert_add_pch(base_sanitized HEADER base OPTIONS ...)    the same header for other options
    ccexpert_use_pch(ccexpert_core base)                         after all options of the target

A target needs the optimisation, the definitions and the kind of code (-fPIC, -fPIE) of the header that it uses.
]]

# ccache needs these to recognise objects that were compiled with a precompiled header.
set(pch_flags -fpch-preprocess)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  set(pch_flags "SHELL:-Xclang -fno-pch-timestamp")
endif()
set(pch_source ${PROJECT_BINARY_DIR}/pch.cpp)
if(NOT EXISTS ${pch_source})
  file(WRITE ${pch_source} "")
endif()

# LibTorch's include folder has newer fmt headers than the system's library; they would hide the library's.
get_target_property(fmt_headers fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/headers")
file(CREATE_LINK "${fmt_headers}/fmt" "${PROJECT_BINARY_DIR}/headers/fmt" SYMBOLIC)
function(ccexpert_use_fmt target)
  target_include_directories(${target} SYSTEM BEFORE PRIVATE ${PROJECT_BINARY_DIR}/headers)
  target_link_libraries(${target} PRIVATE fmt::fmt)
endfunction()

function(ccexpert_add_pch name)
  cmake_parse_arguments(arg "" "HEADER" "OPTIONS;LINK" ${ARGN})
  if(NOT arg_HEADER)
    set(arg_HEADER ${name})
  endif()
  set(target ccexpert_pch_${name})
  add_library(${target} OBJECT EXCLUDE_FROM_ALL ${pch_source})
  target_link_libraries(${target} PRIVATE ccexpert_flags nlohmann_json::nlohmann_json ${arg_LINK})
  ccexpert_use_fmt(${target})
  target_compile_options(${target} PRIVATE ${pch_flags} ${arg_OPTIONS})
  target_precompile_headers(${target} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/pch/${arg_HEADER}.h)
endfunction()

function(ccexpert_use_pch target name)
  target_compile_options(${target} PRIVATE ${pch_flags})
  target_precompile_headers(${target} REUSE_FROM ccexpert_pch_${name})
endfunction()
