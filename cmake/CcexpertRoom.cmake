#[[
A room is a folder of src/, with subfolders in a large room, and has its public headers in include/ccexpert/<room>. Each
is a library ccexpert_<room> (ccexpert::<room> for users), shared where BUILD_SHARED_LIBS says so; files are found by
themselves, so adding one needs no edit here.

    ccexpert_room(text USES core PRIVATE PkgConfig::pcre2 PUBLIC ... [PCH torch] [NEEDS GDAL::GDAL] [WITHOUT file.cpp])

PCH is a header of cmake/pch (default: base). A room that NEEDS a target is left out if that was not found, and so are
the files of WITHOUT.
]]
include(GNUInstallDirs)

# Folder of data beside the bin/ of an installed program.
set(data_folder "${CMAKE_INSTALL_DATADIR}")
if(IS_ABSOLUTE "${data_folder}")
  set(data_folder share)
endif()
# Programs of the build tree find the models of the source tree in the same place.
file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/${data_folder}/ccexpert")
file(CREATE_LINK "${PROJECT_SOURCE_DIR}/models" "${PROJECT_BINARY_DIR}/${data_folder}/ccexpert/models" SYMBOLIC)
# Folder of a package's LibTorch, and the folders below the prefix where installed programs look for libraries.
set(libtorch_folder "${CMAKE_INSTALL_LIBDIR}/ccexpert/torch")
set(library_folders "")
if(BUILD_SHARED_LIBS)
  list(APPEND library_folders ${CMAKE_INSTALL_LIBDIR})
  list(APPEND CMAKE_INSTALL_RPATH "$ORIGIN" "$ORIGIN/ccexpert/torch/lib")
endif()
if(CCEXPERT_PACKAGE)
  list(APPEND library_folders ${libtorch_folder}/lib)
endif()
foreach(folder IN LISTS library_folders)
  list(APPEND CMAKE_INSTALL_RPATH "$ORIGIN/../${folder}")
endforeach()

# Adds the files of src/<room>/assets to a room's library, as a source that the build writes.
function(ccexpert_embed_assets room)
  file(GLOB files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${room}/assets/*")
  if(NOT files)
    return()
  endif()
  set(output ${PROJECT_BINARY_DIR}/embedded/${room}_assets.cpp)
  set(script ${PROJECT_SOURCE_DIR}/cmake/embed.cmake)
  add_custom_command(OUTPUT ${output} DEPENDS ${files} ${script} VERBATIM
    COMMAND ${CMAKE_COMMAND} -DROOM=${room} -DOUTPUT=${output} -P ${script} -- ${files})
  target_sources(ccexpert_${room} PRIVATE ${output})
endfunction()

function(ccexpert_room room)
  ccexpert_wants(wanted ${room})
  if(NOT wanted)
    return()
  endif()
  cmake_parse_arguments(arg "" "PCH;NEEDS" "USES;PUBLIC;PRIVATE;WITHOUT" ${ARGN})
  if(arg_NEEDS AND NOT TARGET ${arg_NEEDS})
    return()
  endif()
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${room}/*.cpp"
       "${PROJECT_SOURCE_DIR}/src/${room}/*/*.cpp")
  foreach(file IN LISTS arg_WITHOUT)
    list(REMOVE_ITEM sources "${PROJECT_SOURCE_DIR}/src/${room}/${file}")
  endforeach()
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
  ccexpert_embed_assets(${room})
  ccexpert_use_fmt(ccexpert_${room})
  target_compile_features(ccexpert_${room} PUBLIC cxx_std_20)
  set_source_files_properties(${PROJECT_SOURCE_DIR}/src/${room}/version.cpp PROPERTIES
    COMPILE_DEFINITIONS CCEXPERT_VERSION="${PROJECT_VERSION}")
  set_source_files_properties(${PROJECT_SOURCE_DIR}/src/${room}/demo_model.cpp PROPERTIES
    COMPILE_DEFINITIONS "CCEXPERT_DATA_FOLDER=\"${data_folder}\";CCEXPERT_INSTALLED_DATA=\"${CMAKE_INSTALL_FULL_DATADIR}\"")
  if(NOT arg_PCH)
    set(arg_PCH base)
  endif()
  if(arg_PCH STREQUAL "torch")
    ccexpert_run_parallel(ccexpert_${room})
  endif()
  if(room IN_LIST sanitized_rooms)
    target_compile_options(ccexpert_${room} PRIVATE ${sanitizers})
    string(APPEND arg_PCH _sanitized)
  endif()
  ccexpert_use_pch(ccexpert_${room} ${arg_PCH})
  ccexpert_join_sources(ccexpert_${room} ${sources})
  set_property(GLOBAL APPEND PROPERTY CCEXPERT_BUILT_ROOMS ${room})
  set_property(GLOBAL PROPERTY CCEXPERT_USES_${room} ${uses})
endfunction()

# Tests of one room: tests/<room>/ and its subfolders become one program.
function(ccexpert_room_tests room)
  ccexpert_wants(wanted ${room})
  if(NOT wanted)
    return()
  endif()
  if(NOT TARGET ccexpert_${room})
    return()
  endif()
  cmake_parse_arguments(arg "" "PCH" "LINK" ${ARGN})
  if(NOT arg_PCH)
    set(arg_PCH tests)
  endif()
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/${room}/*.cpp"
       "${PROJECT_SOURCE_DIR}/tests/${room}/*/*.cpp")
  if(NOT sources)
    return()
  endif()
  add_executable(${room}_tests ${sources})
  target_include_directories(${room}_tests PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${room}_tests PRIVATE ${arg_LINK} ccexpert_test_paths ccexpert_flags GTest::gtest_main
                                              GTest::gmock nlohmann_json::nlohmann_json)
  ccexpert_use_fmt(${room}_tests)
  target_compile_options(${room}_tests PRIVATE ${test_options})
  ccexpert_use_pch(${room}_tests ${arg_PCH})
  include(GoogleTest)
  # Tests share the cores: a thread that waits by spinning takes one from another test.
  gtest_discover_tests(${room}_tests TEST_PREFIX "${room}." DISCOVERY_MODE PRE_TEST
                       PROPERTIES TIMEOUT 300 LABELS ${room} ENVIRONMENT OMP_WAIT_POLICY=passive)
endfunction()
