// libpg_query's parse of one statement, as protobuf-c structures, owned. Only the .cpp files of
// this module that read trees include this; no public header does.
#pragma once

#include <pg_query/pg_query.pb-c.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace bartizan::sql {

/// Memory that is handed out piecemeal and given back at once: a tree is hundreds of small
/// allocations. Single-threaded.
class Arena {
 public:
  /// nullptr when there is none left; never throws, since C code calls it.
  void* allocate(std::size_t size) noexcept;

 private:
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::byte* next_ = nullptr;
  std::size_t left_ = 0;
};

class ParseTree {
 public:
  /// Parses a text of exactly one statement. REQUIRES: valid UTF-8 without NUL, nesting checked.
  explicit ParseTree(const std::string& statement);

  /// The statement, or nullptr if the grammar refused the text or found not just one. Lives as long as this.
  [[nodiscard]] const PgQuery__Node* statement() const noexcept { return statement_; }

  /// For edits in place; what is put into the tree must live in arena().
  [[nodiscard]] PgQuery__Node* mutable_statement() noexcept { return statement_; }
  [[nodiscard]] Arena& arena() noexcept { return arena_; }
  /// PostgreSQL's own message if the grammar refused the text, which may quote from it, and its
  /// place there in characters from 1 (0: none).
  [[nodiscard]] const std::string& error() const noexcept { return error_; }
  [[nodiscard]] std::size_t error_position() const noexcept { return error_position_; }

 private:
  Arena arena_;
  PgQuery__Node* statement_ = nullptr;
  std::string error_;
  std::size_t error_position_ = 0;
};

}  // namespace bartizan::sql
