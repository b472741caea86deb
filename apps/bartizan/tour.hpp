// The short tour at the end of `bartizan up`.
#pragma once

#include <ostream>

#include "program.hpp"

namespace bartizan::app {

/// Runs one SELECT as each demo identity with psql, as a person would, and shows how to connect.
void print_tour(const Program& program, std::ostream& out);

}  // namespace bartizan::app
