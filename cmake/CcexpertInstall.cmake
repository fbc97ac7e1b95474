# Installed: the libraries, the public headers, the commands and a package for find_package(ccexpert).
if(NOT CCEXPERT_ROOMS STREQUAL "all")
  return()
endif()
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/ccexpert)

get_property(rooms GLOBAL PROPERTY CCEXPERT_BUILT_ROOMS)
list(TRANSFORM rooms PREPEND ccexpert_ OUTPUT_VARIABLE room_targets)
# All rooms below each room: a static library needs the packages of all of them.
set(room_uses "")
foreach(room IN LISTS rooms)
  get_property(uses GLOBAL PROPERTY CCEXPERT_USES_${room})
  set(below_${room} ${uses})
  foreach(used IN LISTS uses)
    list(APPEND below_${room} ${below_${used}})
  endforeach()
  list(REMOVE_DUPLICATES below_${room})
  list(JOIN below_${room} " " below)
  string(APPEND room_uses "set(_ccexpert_uses_${room} ${below})\n")
endforeach()
install(TARGETS ${room_targets} ccexpert EXPORT ccexpert
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT devel
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT programs NAMELINK_COMPONENT devel)
install(EXPORT ccexpert NAMESPACE ccexpert:: DESTINATION ${package_dir} FILE ccexpert-targets.cmake COMPONENT devel)
install(DIRECTORY include/ccexpert DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT devel FILES_MATCHING PATTERN "*.h")
install(FILES cmake/FindLibTorch.cmake cmake/FindOpenCVImage.cmake cmake/FindLibCsv.cmake
              cmake/FindLibStemmer.cmake cmake/FindSentencePiece.cmake DESTINATION ${package_dir} COMPONENT devel)
install(DIRECTORY models/demo DESTINATION ${CMAKE_INSTALL_DATADIR}/ccexpert/models COMPONENT programs OPTIONAL)
if(NOT CCEXPERT_PACKAGE)
  install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT programs)
endif()

# The folder of LibTorch that find_package(ccexpert) takes if it was not moved.
set(built_libtorch "${LibTorch_ROOT_DIR}")
if(CCEXPERT_PACKAGE)
  set(built_libtorch "")
endif()
configure_package_config_file(cmake/ccexpert-config.cmake.in ${PROJECT_BINARY_DIR}/ccexpert-config.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/ccexpert-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/ccexpert-config.cmake ${PROJECT_BINARY_DIR}/ccexpert-config-version.cmake
        DESTINATION ${package_dir} COMPONENT devel)
