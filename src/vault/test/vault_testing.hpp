// A folder of its own for each test, a cheap cost, and the examples of docs/formats.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "bartizan/base/bytes.hpp"
#include "bartizan/base/clock.hpp"
#include "bartizan/keys/key_provider.hpp"
#include "bartizan/vault/argon2_cost.hpp"

namespace bartizan::vault::test {

inline constexpr Argon2Cost kCheap{.memory_kib = 64, .passes = 1, .lanes = 1};

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "bartizan-vault-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::filesystem::path file(const char* name) const { return path_ / name; }
  [[nodiscard]] std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::filesystem::path path_;
};

inline std::map<std::string, Bytes> read_examples() {
  std::ifstream in(std::string(BZ_SOURCE_ROOT) + "/docs/formats/keyring.md");
  REQUIRE(in.good());
  std::map<std::string, Bytes> examples;
  bool inside = false;
  std::string name;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) {
      inside = line == "```hex";
    } else if (inside && line.ends_with(':')) {
      name = line.substr(0, line.size() - 1);
    } else if (inside && !line.empty()) {
      const auto bytes = hex_decode(line.substr(line.find_first_not_of(' ')));
      REQUIRE_MESSAGE(bytes.has_value(), line);
      examples[name].insert(examples[name].end(), bytes->begin(), bytes->end());
    }
  }
  REQUIRE_FALSE(examples.empty());
  return examples;
}

/// The context of the example: tenant 7e9a…0a, data version 5.
inline keys::WrapContext example_context() {
  return {keys::KeyringOwner::of_tenant(*Uuid::parse("7e9a1c52-0000-4000-8000-00000000000a")), keys::KeyId(5),
          keys::KeyPurpose::Data};
}

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

}  // namespace bartizan::vault::test
