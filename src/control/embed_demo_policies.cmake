# cmake -DOUT=demo_policies.cpp -DFILE=policies.yaml -P embed_demo_policies.cmake
file(READ ${FILE} text)
file(WRITE ${OUT} "// Made from demo/policies.yaml; do not edit.
#include \"demo_policies.hpp\"

namespace bartizan::control {
std::string_view demo_policies() { return R\"bzyaml(${text})bzyaml\"; }
}  // namespace bartizan::control
")
