// A consumer's search_path, which the gateway keeps: PostgreSQL's rules for a setting over
// transactions and savepoints (manual, "SET"), applied as the server confirms each statement.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bartizan::session {

/// Not thread-safe.
class SearchPath {
 public:
  using Value = std::vector<std::string>;
  /// Savepoints beyond are not kept: ROLLBACK TO one of them leaves the value as it is.
  static constexpr std::size_t kMaxSavepoints = 1024;

  explicit SearchPath(Value at_start) : at_start_(std::move(at_start)), committed_(at_start_), now_{at_start_, {}} {}

  [[nodiscard]] const Value& value() const noexcept { return now_.local ? *now_.local : now_.session; }
  /// As SHOW gives it.
  [[nodiscard]] std::string shown() const;

  void set(Value value, bool local);
  void reset(bool local) { set(at_start_, local); }
  void commit();
  void rollback();
  void savepoint(std::string_view name);
  void release(std::string_view name);
  void rollback_to(std::string_view name);

 private:
  struct State {
    Value session;
    std::optional<Value> local;  ///< SET LOCAL's, until the transaction ends
  };
  struct Savepoint {
    std::string name;
    State state;
  };
  /// The newest of that name, or the end.
  [[nodiscard]] std::size_t find(std::string_view name) const noexcept;

  Value at_start_;
  Value committed_;
  State now_;
  std::vector<Savepoint> savepoints_;
};

}  // namespace bartizan::session
