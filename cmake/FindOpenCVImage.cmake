#[[
Finds the three OpenCV modules that decode and encode images and defines OpenCV::image.

Debian ships OpenCV's own package file only with libopencv-dev, which installs every module and many desktop packages;
this also finds the modules without it.
]]
find_path(OpenCVImage_INCLUDE_DIR opencv2/imgcodecs.hpp PATH_SUFFIXES opencv4)
set(_libraries "")
foreach(_module IN ITEMS imgcodecs imgproc core)
  find_library(OpenCVImage_${_module}_LIBRARY opencv_${_module})
  list(APPEND _libraries "${OpenCVImage_${_module}_LIBRARY}")
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OpenCVImage
  REQUIRED_VARS OpenCVImage_INCLUDE_DIR OpenCVImage_imgcodecs_LIBRARY OpenCVImage_imgproc_LIBRARY
                OpenCVImage_core_LIBRARY
  REASON_FAILURE_MESSAGE "run scripts/setup.sh, or install libopencv-imgcodecs-dev")

if(OpenCVImage_FOUND AND NOT TARGET OpenCV::image)
  add_library(OpenCV::image INTERFACE IMPORTED)
  target_include_directories(OpenCV::image SYSTEM INTERFACE "${OpenCVImage_INCLUDE_DIR}")
  target_link_libraries(OpenCV::image INTERFACE ${_libraries})
endif()
