// The single checks of preflight: each asks one thing and adds what it found.
#pragma once

#include "bartizan/postgres/control_connection.hpp"
#include "bartizan/postgres/preflight.hpp"

namespace bartizan::postgres {

struct CheckContext {
  ControlConnection& connection;
  PreflightReport& report;
  SteadyTime deadline;
  bool superuser = false;

  void add(Severity severity, std::string id, std::string what, std::string why = {}, std::string what_to_do = {});
  /// First column of the first row; empty on NULL or when the query is refused.
  [[nodiscard]] std::string ask(std::string_view sql);
  [[nodiscard]] long ask_number(std::string_view sql);
};

void check_version(CheckContext& context);
void check_grade(CheckContext& context);
void check_tls(CheckContext& context);
void check_passwords(CheckContext& context);
void check_roles(CheckContext& context);
void check_capacity(CheckContext& context);
void check_extensions(CheckContext& context);
void check_replication(CheckContext& context);
void check_prepared_transactions(CheckContext& context);
void check_hba(CheckContext& context);
void check_settings(CheckContext& context);

}  // namespace bartizan::postgres
