// A migrated control database of its own for each test.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "bartizan/store/database.hpp"
#include "throwaway_postgres.hpp"

namespace bartizan::store::test {

inline RootKey test_key(char fill = 'k') {
  auto key = RootKey::from_bytes(SecretBytes(std::string(32, fill)));
  REQUIRE(key.has_value());
  return std::move(*key);
}

/// The value; without one the test ends with the error's detail.
template <class T>
T must(Result<T> result) {
  INFO((result ? "" : result.error().detail));
  REQUIRE(result.has_value());
  return std::move(*result);
}

struct StoreFixture {
  std::string name = ThrowawayPostgres::instance().fresh_database();
  std::unique_ptr<Database> database = open();
  const Actor actor{"test"};

  StoreFixture() {
    const auto migrated = database->migrate();
    INFO((migrated ? "" : migrated.error().detail));
    REQUIRE(migrated.has_value());
  }

  [[nodiscard]] std::unique_ptr<Database> open(RootKey key = test_key()) const {
    DatabaseOptions options;
    options.conninfo = ThrowawayPostgres::instance().conninfo(name);
    auto opened = Database::open(std::move(options), std::move(key), system_random());
    REQUIRE(opened.has_value());
    return std::move(*opened);
  }
  std::string sql(const std::string& text) const { return ThrowawayPostgres::instance().sql(name, text); }

  /// Runs one write to its commit.
  template <class F>
  auto write(F use) {
    auto transaction = database->begin_write(actor);
    REQUIRE(transaction.has_value());
    auto result = use(*transaction);
    if (result) REQUIRE(transaction->commit().has_value());
    return result;
  }
  template <class F>
  auto read(F use) {
    auto transaction = database->begin_read();
    REQUIRE(transaction.has_value());
    return use(*transaction);
  }
};

}  // namespace bartizan::store::test
