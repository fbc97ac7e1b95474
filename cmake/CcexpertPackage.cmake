#[[
Debian packages by CPack, and what they bring beside the programs and the library (CCEXPERT_PACKAGE, the preset package):

    ccexpert         programs, manual pages, completions, services, the demo model, and LibTorch's libraries
    libccexpert-dev  static libraries, headers, the package for find_package(ccexpert), and LibTorch's headers

scripts/make_package.sh builds them and the tarball, scripts/check_package.sh tries them on a bare Debian.
]]
if(CCEXPERT_CUDA OR NOT CCEXPERT_ROOMS STREQUAL "all")
  message(FATAL_ERROR "CCEXPERT_PACKAGE: expected all rooms for a CPU, got CCEXPERT_CUDA or CCEXPERT_ROOMS")
endif()

# LibTorch's libraries are found by $ORIGIN, therefore all are in one folder. libgomp is Debian's.
get_filename_component(wheels "${LibTorch_ROOT_DIR}" DIRECTORY)
set(libtorch_libraries "${LibTorch_ROOT_DIR}/lib/libtorch_cpu.so" "${LibTorch_ROOT_DIR}/lib/libc10.so")
foreach(library IN ITEMS cudart cupti)
  file(GLOB found "${wheels}/nvidia/*/lib/lib${library}.so.*")
  list(APPEND libtorch_libraries ${found})
endforeach()
set(stripped ${PROJECT_BINARY_DIR}/libtorch)
file(MAKE_DIRECTORY ${stripped})
set(libtorch_stripped "")
foreach(library IN LISTS libtorch_libraries)
  get_filename_component(name ${library} NAME)
  add_custom_command(OUTPUT ${stripped}/${name} DEPENDS ${library} VERBATIM
    COMMAND ${CMAKE_STRIP} --strip-unneeded -o ${stripped}/${name} ${library})
  list(APPEND libtorch_stripped ${stripped}/${name})
endforeach()
add_custom_target(packaged_libtorch ALL DEPENDS ${libtorch_stripped})
install(FILES ${libtorch_stripped} DESTINATION ${libtorch_folder}/lib COMPONENT programs)
install(DIRECTORY ${LibTorch_ROOT_DIR}/include DESTINATION ${libtorch_folder} COMPONENT devel)

# Documents. The licences of LibTorch are as long as a book, and Debian wants them beside the file copyright.
find_program(GZIP_PROGRAM gzip REQUIRED)
set(documents ${PROJECT_BINARY_DIR}/documents)
file(MAKE_DIRECTORY ${documents})
function(ccexpert_install_document file name)
  execute_process(COMMAND ${GZIP_PROGRAM} -9 -n -c ${file} OUTPUT_FILE ${documents}/${name}.gz
                  COMMAND_ERROR_IS_FATAL ANY)
  install(FILES ${documents}/${name}.gz DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/ccexpert COMPONENT programs)
endfunction()
file(GLOB torch_licences "${wheels}/torch-*.dist-info/licenses/*")
file(GLOB cuda_licences "${wheels}/nvidia_cuda_runtime-*.dist-info/licenses/*")
if(NOT torch_licences OR NOT cuda_licences)
  message(FATAL_ERROR "${wheels}: expected the licences of the wheels of LibTorch and CUDA, got none (a package needs "
                      "LibTorch of scripts/setup.sh)")
endif()
foreach(licence IN LISTS torch_licences)
  get_filename_component(name ${licence} NAME)
  ccexpert_install_document(${licence} libtorch-${name})
endforeach()
foreach(licence IN LISTS cuda_licences)
  ccexpert_install_document(${licence} cuda-LICENSE)
endforeach()
ccexpert_install_document(${PROJECT_SOURCE_DIR}/CHANGELOG.md changelog)

# The date is that of SOURCE_DATE_EPOCH, which scripts/make_package.sh sets to the time of the commit.
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
set(CPACK_PACKAGE_CONTACT "ccexpert maintainers <maintainers@users.noreply.github.com>" CACHE STRING "Maintainer of packages")
foreach(package IN ITEMS ccexpert libccexpert-dev)
  set(folder ${CMAKE_INSTALL_DATADIR}/doc/${package})
  set(component programs)
  if(package STREQUAL "libccexpert-dev")
    set(component devel)
  endif()
  configure_file(packaging/debian/changelog.in ${documents}/changelog.Debian @ONLY)
  execute_process(COMMAND ${GZIP_PROGRAM} -9 -n -f ${documents}/changelog.Debian COMMAND_ERROR_IS_FATAL ANY)
  install(FILES packaging/debian/copyright ${documents}/changelog.Debian.gz DESTINATION ${folder} COMPONENT ${component})
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME ccexpert)
set(CPACK_PACKAGE_VENDOR ccexpert)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # each component has its own
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
                                                WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL programs devel)
set(CPACK_STRIP_FILES ON)
set(CPACK_THREADS 0)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz CACHE STRING "Compression of the Debian packages")
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_COMPONENT_PROGRAMS_DESCRIPTION
"change captioning of bi-temporal remote sensing images
CCExpert is a vision-language model that describes in a sentence what changed
between two images of one place. This package brings its programs, which
caption, map, serve, train and score, a small demo model, and LibTorch in a
folder of its own.")
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_NAME ccexpert)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${stripped})
# Figures of ccexpert-eval need a font; its tables and pages do not.
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_RECOMMENDS fonts-dejavu-core)
if(TARGET ccexpert-serve)
  set(scripts ${PROJECT_SOURCE_DIR}/packaging/debian)
  set(CPACK_DEBIAN_PROGRAMS_PACKAGE_CONTROL_EXTRA ${scripts}/postinst ${scripts}/prerm ${scripts}/postrm)
endif()

set(CPACK_COMPONENT_DEVEL_DESCRIPTION
"change captioning of remote sensing images (development)
CCExpert is a vision-language model that describes in a sentence what changed
between two images of one place. This package brings its C++ library,
LibTorch's headers, and CMake's files for find_package(ccexpert).")
set(CPACK_DEBIAN_DEVEL_PACKAGE_NAME libccexpert-dev)
set(CPACK_DEBIAN_DEVEL_PACKAGE_SECTION libdevel)
string(CONCAT CPACK_DEBIAN_DEVEL_PACKAGE_DEPENDS
  "ccexpert (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}), libboost-dev, libcsv-dev, libcurl4-openssl-dev, libfmt-dev, "
  "libicu-dev, libjpeg-dev, libopencv-imgcodecs-dev, libopencv-imgproc-dev, libpcre2-dev, libpng-dev, "
  "libsentencepiece-dev, libspdlog-dev, libssl-dev, libstemmer-dev, libtiff-dev, libwebp-dev, libyaml-cpp-dev, pkg-config, "
  "prometheus-cpp-dev, zlib1g-dev")
# The room geo alone needs GDAL; find_package(ccexpert COMPONENTS generate) does not look for it.
set(CPACK_DEBIAN_DEVEL_PACKAGE_RECOMMENDS libgdal-dev)
include(CPack)
