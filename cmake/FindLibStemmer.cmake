# Finds libstemmer (Snowball), which has no package file, and defines LibStemmer::stemmer.
find_path(LibStemmer_INCLUDE_DIR libstemmer.h)
find_library(LibStemmer_LIBRARY stemmer)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibStemmer REQUIRED_VARS LibStemmer_LIBRARY LibStemmer_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "run scripts/setup.sh, or install libstemmer-dev")

if(LibStemmer_FOUND AND NOT TARGET LibStemmer::stemmer)
  add_library(LibStemmer::stemmer UNKNOWN IMPORTED)
  set_target_properties(LibStemmer::stemmer PROPERTIES IMPORTED_LOCATION "${LibStemmer_LIBRARY}"
                                                       INTERFACE_INCLUDE_DIRECTORIES "${LibStemmer_INCLUDE_DIR}")
endif()
