// Reads the vector files of test/data: '#' begins a comment line, fields are apart by tabs.
#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/clock.hpp"

namespace bartizan::crypto::test {

using VectorRow = std::vector<std::string>;

inline std::vector<VectorRow> read_vectors(const std::string& name, std::size_t fields) {
  std::ifstream in(std::string(BZ_TEST_DATA) + "/" + name);
  REQUIRE_MESSAGE(in.good(), name);
  std::vector<VectorRow> rows;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.front() == '#') continue;
    VectorRow row(1);
    for (const char c : line) {
      if (c == '\t')
        row.emplace_back();
      else
        row.back() += c;
    }
    REQUIRE_MESSAGE(row.size() == fields, name << ": " << line);
    rows.push_back(std::move(row));
  }
  REQUIRE_FALSE(rows.empty());
  return rows;
}

inline std::string read_text(const std::string& name) {
  std::ifstream in(std::string(BZ_TEST_DATA) + "/" + name, std::ios::binary);
  REQUIRE_MESSAGE(in.good(), name);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline Bytes unhex(std::string_view text) {
  auto bytes = hex_decode(text);
  REQUIRE(bytes.has_value());
  return *bytes;
}

/// Hands out the given bytes over and over.
class FixedRandom final : public Random {
 public:
  explicit FixedRandom(Bytes bytes) : bytes_(std::move(bytes)) {}
  void fill(std::span<std::byte> out) override {
    for (auto& byte : out) byte = bytes_[next_++ % bytes_.size()];
  }

 private:
  Bytes bytes_;
  std::size_t next_ = 0;
};

}  // namespace bartizan::crypto::test
