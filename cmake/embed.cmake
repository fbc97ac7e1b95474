# Writes a source with the text of files: cmake -DROOM=page -DOUTPUT=assets.cpp -P embed.cmake -- FILE...
set(entries "")
set(place 0)
set(is_file FALSE)
while(place LESS CMAKE_ARGC)
  set(argument "${CMAKE_ARGV${place}}")
  if(is_file)
    get_filename_component(name "${argument}" NAME)
    file(READ "${argument}" text)
    string(APPEND entries "    {\"${name}\", R\"asset(${text})asset\"},\n")
  elseif(argument STREQUAL "--")
    set(is_file TRUE)
  endif()
  math(EXPR place "${place} + 1")
endwhile()
file(WRITE "${OUTPUT}" "#include \"${ROOM}/assets.h\"

namespace ccexpert::${ROOM} {

std::span<const Asset> assets() {
  static constexpr Asset kAll[] = {
${entries}  };
  return kAll;
}

}  // namespace ccexpert::${ROOM}
")
