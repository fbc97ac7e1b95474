#[[
Joined sources (CCEXPERT_DEMO): several sources of a target are one translation unit, so that headers are read and
templates instantiated once for all of them. cmake/joined_groups.py chooses sources whose names do not clash.
]]
if(CCEXPERT_DEMO)
  find_package(Python3 COMPONENTS Interpreter REQUIRED)
  # Types of joined sources may have members of types in unnamed namespaces, and functions may repeat names of others.
  target_compile_options(ccexpert_flags INTERFACE -Wno-subobject-linkage -Wno-shadow)
endif()

# ccexpert_join_sources(TARGET SOURCE...)
function(ccexpert_join_sources target)
  if(NOT CCEXPERT_DEMO)
    return()
  endif()
  execute_process(COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/cmake/joined_groups.py 8 ${ARGN}
                  OUTPUT_VARIABLE groups OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE "\n" ";" groups "${groups}")
  set(number 0)
  foreach(group IN LISTS groups)
    string(REPLACE "|" ";" group "${group}")
    math(EXPR number "${number} + 1")
    set_source_files_properties(${group} PROPERTIES UNITY_GROUP joined_${number})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  # An edited source may get a name of another one.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${ARGN})
endfunction()
