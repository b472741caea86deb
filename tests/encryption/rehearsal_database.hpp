// A database with encrypted columns in a server of the program's own, and its catalog as it stands.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "encrypted_client.hpp"
#include "test/embedded_fixture.hpp"

namespace bartizan::rehearsal {

/// The program's one server.
postgres::test::RunningServer& server();

/// A column to be encrypted, by name.
struct Declared {
  std::string_view table;
  std::string_view column;
  sql::Oid type = 25;
  bool searchable = false;
  std::uint64_t join_domain = 0;
  std::string_view index_column = {};
  std::int32_t typmod = -1;
};

/// A new database with the cells' domain and `schema_sql`. Stays until the program ends.
class Database {
 public:
  Database(std::string name, const std::string& schema_sql, const std::vector<Declared>& columns);
  [[nodiscard]] EncryptedClient client();
  /// Reads the catalog again and takes these for the encrypted columns.
  void declare(const std::vector<Declared>& columns);
  [[nodiscard]] const sql::CatalogRelation& table(std::string_view name) const;
  /// As superuser, straight; the caller ends it.
  [[nodiscard]] PGconn* connect() const;
  /// As superuser, straight: no planner. Fails the test on an error.
  std::vector<std::vector<Field>> direct(const std::string& text);
  [[nodiscard]] std::shared_ptr<const sql::EncryptedColumns> columns() const { return columns_; }

 private:
  std::string name_;
  std::shared_ptr<const sql::EncryptedColumns> columns_;
  std::vector<sql::EncryptedColumnSpec> specs_;
};

}  // namespace bartizan::rehearsal
