// A PostgreSQL for one test program: a cluster in a temporary folder, on a unix socket alone,
// without fsync, under an unprivileged user when the tests run as root. Gone at the program's
// end. Tests make a database each.
#pragma once

#include <string>

namespace bartizan::store::test {

class ThrowawayPostgres {
 public:
  /// The program's one, started on first use; aborts the program when it can't be.
  static ThrowawayPostgres& instance();
  ThrowawayPostgres(const ThrowawayPostgres&) = delete;
  ThrowawayPostgres& operator=(const ThrowawayPostgres&) = delete;
  ~ThrowawayPostgres();

  [[nodiscard]] const std::string& socket_folder() const { return folder_; }
  [[nodiscard]] std::string conninfo(const std::string& database) const;
  /// Makes an empty database with a name of its own.
  [[nodiscard]] std::string fresh_database();
  /// One statement, or several, as the superuser; text of the first field, or empty. A failure
  /// is a failed test.
  std::string sql(const std::string& database, const std::string& text) const;
  /// The same, telling only whether it worked.
  [[nodiscard]] bool try_sql(const std::string& database, const std::string& text) const;
  void stop() const;   ///< immediate
  void start() const;

 private:
  ThrowawayPostgres();
  [[nodiscard]] bool as_server_user(const std::string& command) const;

  std::string folder_;
  int databases_ = 0;
};

}  // namespace bartizan::store::test
