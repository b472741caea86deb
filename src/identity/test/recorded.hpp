// Reads test/data's recordings of real PostgreSQL servers and clients: '#' begins a comment line,
// fields are apart by tabs. And the small things that several SCRAM tests need.
#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "bartizan/base/bytes.hpp"
#include "bartizan/identity/scram_verifier.hpp"

namespace bartizan::identity::test {

inline std::vector<std::vector<std::string>> read_recorded(const std::string& name) {
  std::ifstream in(std::string(BZ_TEST_DATA) + "/" + name);
  REQUIRE_MESSAGE(in.good(), name);
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.front() == '#') continue;
    auto& row = rows.emplace_back(1);
    for (const char c : line) {
      if (c == '\t')
        row.emplace_back();
      else
        row.back() += c;
    }
  }
  REQUIRE_FALSE(rows.empty());
  return rows;
}

inline Bytes unhex(std::string_view text) {
  auto bytes = hex_decode(text);
  REQUIRE(bytes.has_value());
  return *bytes;
}

inline ScramVerifier parse_verifier(std::string_view text) {
  auto verifier = ScramVerifier::parse(text);
  REQUIRE(verifier);
  return std::move(*verifier);
}

/// One sign-in recorded at PostgreSQL 15.
struct RecordedExchange {
  std::string what;
  std::string mechanism;
  Bytes certificate_hash;  ///< empty without TLS
  std::string client_first;
  std::string server_first;
  std::string client_final;
  std::string server_final;

  [[nodiscard]] std::string client_nonce() const { return client_first.substr(client_first.find("r=") + 2); }
  [[nodiscard]] std::string server_nonce() const {
    const auto nonce = server_first.substr(2, server_first.find(',') - 2);
    return nonce.substr(client_nonce().size());
  }
};

struct Recording {
  std::string verifier;  ///< of the password "pencil"
  std::vector<RecordedExchange> exchanges;
};

inline Recording read_exchanges() {
  Recording recording;
  for (const auto& row : read_recorded("postgresql15_exchanges.tsv")) {
    if (row[0] == "verifier") {
      recording.verifier = row.at(1);
    } else {
      REQUIRE(row.size() == 7);
      recording.exchanges.push_back({row[0], row[1], unhex(row[2]), row[3], row[4], row[5], row[6]});
    }
  }
  REQUIRE(recording.exchanges.size() == 3);
  return recording;
}

}  // namespace bartizan::identity::test
