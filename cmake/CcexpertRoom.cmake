#[[
A room is a folder of src/ with its public headers in include/ccexpert/<room>. Each is a library
ccexpert_<room> (ccexpert::<room> for users), shared where BUILD_SHARED_LIBS says so; files are found by themselves, so
adding one needs no edit here.

    ccexpert_room(text USES core PRIVATE PkgConfig::pcre2 PUBLIC ... [PCH header])
]]
include(GNUInstallDirs)

# Where data lies beside the bin/ of an installed program.
set(data_folder "${CMAKE_INSTALL_DATADIR}")
if(IS_ABSOLUTE "${data_folder}")
  set(data_folder share)
endif()
# Programs of the build tree find the models of the source tree in the same place.
file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/${data_folder}/ccexpert")
file(CREATE_LINK "${PROJECT_SOURCE_DIR}/models" "${PROJECT_BINARY_DIR}/${data_folder}/ccexpert/models" SYMBOLIC)
if(BUILD_SHARED_LIBS)
  set(CMAKE_INSTALL_RPATH "$ORIGIN;$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
endif()

# ccache needs these to recognise objects that were compiled with a precompiled header.
set(pch_flags -fpch-preprocess)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  set(pch_flags "SHELL:-Xclang -fno-pch-timestamp")
endif()

# With GCC, fmt is header-only: LibTorch's include folder has newer fmt headers that hide those of the system's library.
# With clang and sanitizers, header-only fmt takes most of the compile time of a small file. There, the library is used
# and its headers come first.
get_target_property(fmt_headers fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/headers")
file(CREATE_LINK "${fmt_headers}/fmt" "${PROJECT_BINARY_DIR}/headers/fmt" SYMBOLIC)
function(ccexpert_use_fmt target)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:fmt::fmt-header-only>)
    return()
  endif()
  target_include_directories(${target} SYSTEM BEFORE PRIVATE ${PROJECT_BINARY_DIR}/headers)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:fmt::fmt>)
endfunction()

function(ccexpert_wants room result)
  if(CCEXPERT_ROOMS STREQUAL "all" OR room IN_LIST CCEXPERT_ROOMS)
    set(${result} TRUE PARENT_SCOPE)
  else()
    set(${result} FALSE PARENT_SCOPE)
  endif()
endfunction()

function(ccexpert_room room)
  ccexpert_wants(${room} wanted)
  if(NOT wanted)
    return()
  endif()
  cmake_parse_arguments(arg "" "PCH" "USES;PUBLIC;PRIVATE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${room}/*.cpp")
  add_library(ccexpert_${room} ${sources})
  add_library(ccexpert::${room} ALIAS ccexpert_${room})
  set_target_properties(ccexpert_${room} PROPERTIES EXPORT_NAME ${room})
  target_include_directories(ccexpert_${room}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>
    PRIVATE ${PROJECT_SOURCE_DIR}/src)
  set(uses ${arg_USES})
  list(TRANSFORM arg_USES PREPEND ccexpert_)
  target_link_libraries(ccexpert_${room} PUBLIC ${arg_USES} ${arg_PUBLIC}
    PRIVATE $<BUILD_INTERFACE:ccexpert_flags> ${arg_PRIVATE})
  ccexpert_use_fmt(ccexpert_${room})
  target_compile_features(ccexpert_${room} PUBLIC cxx_std_20)
  set_source_files_properties(${PROJECT_SOURCE_DIR}/src/${room}/version.cpp PROPERTIES
    COMPILE_DEFINITIONS CCEXPERT_VERSION="${PROJECT_VERSION}")
  set_source_files_properties(${PROJECT_SOURCE_DIR}/src/${room}/embedded_model.cpp PROPERTIES
    COMPILE_DEFINITIONS "CCEXPERT_DATA_FOLDER=\"${data_folder}\";CCEXPERT_INSTALLED_DATA=\"${CMAKE_INSTALL_FULL_DATADIR}\"")
  if(arg_PCH)
    target_precompile_headers(ccexpert_${room} PRIVATE ${arg_PCH})
    target_compile_options(ccexpert_${room} PRIVATE ${pch_flags})
  endif()
  set_property(GLOBAL APPEND PROPERTY CCEXPERT_BUILT_ROOMS ${room})
  set_property(GLOBAL PROPERTY CCEXPERT_USES_${room} ${uses})
endfunction()

# Tests of one room: tests/<room>/*_test.cpp (or those of FOLDER) become one program.
function(ccexpert_room_tests room)
  ccexpert_wants(${room} wanted)
  if(NOT wanted)
    return()
  endif()
  cmake_parse_arguments(arg "" "PCH_FROM;FOLDER" "LINK" ${ARGN})
  if(NOT arg_PCH_FROM)
    set(arg_PCH_FROM ${PROJECT_SOURCE_DIR}/tests/support/pch.h)
  endif()
  set(folder ${room})
  if(arg_FOLDER)
    set(folder ${arg_FOLDER})
  endif()
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/${folder}/*.cpp")
  if(NOT sources)
    return()
  endif()
  add_executable(${room}_tests ${sources})
  target_include_directories(${room}_tests PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${room}_tests PRIVATE ${arg_LINK} ccexpert_test_paths ccexpert_flags GTest::gtest_main
                                              GTest::gmock nlohmann_json::nlohmann_json)
  ccexpert_use_fmt(${room}_tests)
  # Tests are compiled once and run for seconds.
  target_compile_options(${room}_tests PRIVATE $<$<CONFIG:Release>:-O1> ${pch_flags})
  target_precompile_headers(${room}_tests PRIVATE ${arg_PCH_FROM})
  include(GoogleTest)
  gtest_discover_tests(${room}_tests TEST_PREFIX "${room}." DISCOVERY_MODE PRE_TEST
                       PROPERTIES TIMEOUT 300 LABELS ${room})
endfunction()
