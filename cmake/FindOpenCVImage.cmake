#[[
Finds the OpenCV modules of arrays and image processing and defines OpenCV::image; OpenCV::codecs also decodes and
encodes. Programs of Debian that link the codecs load 130 libraries, so that only the room synth has them.

Debian ships OpenCV's own package file only with libopencv-dev, which installs every module and many desktop packages;
this also finds the modules without it.
]]
find_path(OpenCVImage_INCLUDE_DIR opencv2/imgcodecs.hpp PATH_SUFFIXES opencv4)
foreach(_module IN ITEMS imgcodecs imgproc core)
  find_library(OpenCVImage_${_module}_LIBRARY opencv_${_module})
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OpenCVImage
  REQUIRED_VARS OpenCVImage_INCLUDE_DIR OpenCVImage_imgcodecs_LIBRARY OpenCVImage_imgproc_LIBRARY
                OpenCVImage_core_LIBRARY
  REASON_FAILURE_MESSAGE "run scripts/setup.sh, or install libopencv-imgcodecs-dev")

if(OpenCVImage_FOUND AND NOT TARGET OpenCV::image)
  add_library(OpenCV::image INTERFACE IMPORTED)
  target_include_directories(OpenCV::image SYSTEM INTERFACE "${OpenCVImage_INCLUDE_DIR}")
  target_link_libraries(OpenCV::image INTERFACE "${OpenCVImage_imgproc_LIBRARY}" "${OpenCVImage_core_LIBRARY}")
  add_library(OpenCV::codecs INTERFACE IMPORTED)
  target_link_libraries(OpenCV::codecs INTERFACE "${OpenCVImage_imgcodecs_LIBRARY}" OpenCV::image)
endif()
