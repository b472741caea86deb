// How the gateway writes a value into a command of its own.
#pragma once

#include <string>
#include <string_view>

namespace bartizan::session {

/// An escape string, which reads the same whatever standard_conforming_strings says.
inline void append_literal(std::string& out, std::string_view value) {
  out.append("E'");
  for (const char c : value) {
    if (c == '\'' || c == '\\') out.push_back(c);
    out.push_back(c);
  }
  out.push_back('\'');
}

}  // namespace bartizan::session
