// A consumer's search_path and tenant, which the gateway keeps: PostgreSQL's rules for a setting over
// transactions and savepoints (manual, "SET"), applied as the server confirms each statement.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bartizan::session {

/// Not thread-safe.
class KeptSetting {
 public:
  using Value = std::vector<std::string>;
  /// Savepoints beyond are not kept: ROLLBACK TO one of them leaves the value as it is.
  static constexpr std::size_t kMaxSavepoints = 1024;

  explicit KeptSetting(Value at_start) : at_start_(std::move(at_start)), committed_(at_start_), now_{at_start_, {}} {}

  [[nodiscard]] const Value& value() const noexcept { return now_.local ? *now_.local : now_.session; }
  /// After COMMIT.
  [[nodiscard]] const Value& kept() const noexcept { return now_.session; }
  /// After ROLLBACK.
  [[nodiscard]] const Value& committed() const noexcept { return committed_; }
  [[nodiscard]] const Value& at_start() const noexcept { return at_start_; }
  /// As SHOW gives a search_path.
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

using SearchPath = KeptSetting;

}  // namespace bartizan::session
