// Reads the examples of docs/formats: "name:" and then indented lines of hexadecimal digits.
#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <string>

#include "bartizan/base/bytes.hpp"

namespace bartizan::keys::test {

inline std::map<std::string, Bytes> read_examples(const std::string& page) {
  std::ifstream in(std::string(BZ_SOURCE_ROOT) + "/docs/formats/" + page);
  REQUIRE_MESSAGE(in.good(), page);
  std::map<std::string, Bytes> examples;
  bool inside = false;
  std::string name;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) {
      inside = line == "```hex";
      continue;
    }
    if (!inside || line.empty()) continue;
    if (line.back() == ':') {
      name = line.substr(0, line.size() - 1);
      REQUIRE_MESSAGE(examples.emplace(name, Bytes()).second, name);
      continue;
    }
    line.erase(0, line.find_first_not_of(' '));
    const auto bytes = hex_decode(line);
    REQUIRE_MESSAGE(bytes.has_value(), line);
    examples[name].insert(examples[name].end(), bytes->begin(), bytes->end());
  }
  REQUIRE_FALSE(examples.empty());
  return examples;
}

}  // namespace bartizan::keys::test
