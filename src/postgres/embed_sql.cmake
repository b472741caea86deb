# cmake -DOUT=demo_sql.cpp "-DFILES=a.sql;b.sql" -P embed_sql.cmake
# Writes the SQL files, in order of name, as an array of {step, text}.
list(SORT FILES)
set(entries "")
foreach(file IN LISTS FILES)
  get_filename_component(stem ${file} NAME_WE)
  string(REGEX REPLACE "^[0-9]+_" "" step ${stem})
  file(READ ${file} text)
  string(APPEND entries "    {\"${step}\", R\"bzsql(${text})bzsql\"},\n")
endforeach()
file(WRITE ${OUT} "// Made from demo/*.sql; do not edit.
#include \"demo_sql.hpp\"

namespace bartizan::postgres {
namespace {
constexpr DemoStep kSteps[] = {
${entries}};
}  // namespace
std::span<const DemoStep> demo_steps() { return kSteps; }
}  // namespace bartizan::postgres
")
