#include "server_settings.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "path_hash.hpp"

namespace bartizan::postgres {
namespace {

/// Names (or, with a final '*', beginnings of names) that options may not set.
constexpr std::array<std::string_view, 24> kReserved = {"listen_addresses",
                                                        "port",
                                                        "unix_socket_*",
                                                        "bonjour*",
                                                        "data_directory",
                                                        "config_file",
                                                        "hba_file",
                                                        "ident_file",
                                                        "external_pid_file",
                                                        "include*",
                                                        "ssl*",
                                                        "krb_*",
                                                        "gss_*",
                                                        "cluster_name",
                                                        "fsync",
                                                        "full_page_writes",
                                                        "log_*",
                                                        "logging_collector",
                                                        "debug_*",
                                                        "event_source",
                                                        "syslog_*",
                                                        "restart_after_crash",
                                                        "password_encryption",
                                                        "ignore_checksum_failure"};

bool is_reserved(std::string_view name) {
  return std::ranges::any_of(kReserved, [&](std::string_view entry) {
    return entry.ends_with('*') ? name.starts_with(entry.substr(0, entry.size() - 1)) : name == entry;
  });
}

bool is_setting_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  return !name.empty() && name.size() <= 63 && letter(name[0]) &&
         std::ranges::all_of(name, [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '.'; });
}

std::string quoted_value(std::string_view value) {
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += c;
    out += c;
  }
  return out + "'";
}

std::string megabytes(std::uint64_t count) { return std::to_string(count) + "MB"; }

Settings sized_settings(const ServerSize& size) {
  return {{"max_connections", std::to_string(size.max_connections)},
          {"superuser_reserved_connections", "5"},
          {"shared_buffers", megabytes(size.shared_buffers_mb)},
          {"effective_cache_size", megabytes(size.effective_cache_size_mb)},
          {"work_mem", megabytes(size.work_mem_mb)},
          {"maintenance_work_mem", megabytes(size.maintenance_work_mem_mb)},
          {"max_wal_size", megabytes(size.max_wal_size_mb)},
          {"dynamic_shared_memory_type", size.posix_shared_memory ? "posix" : "mmap"},
          {"jit", "off"},
          {"timezone", "UTC"},
          {"log_timezone", "UTC"},
          {"datestyle", "ISO, MDY"},
          {"lc_messages", "C"},
          {"default_text_search_config", "pg_catalog.english"}};
}

}  // namespace

std::string cluster_name_of(const DataLayout& layout) { return "bartizan-" + path_hash(layout.root); }

Settings fixed_settings(const DataLayout& layout, const std::string& socket_directory) {
  return {{"config_file", layout.conf() + "/postgresql.conf"},
          {"hba_file", layout.conf() + "/pg_hba.conf"},
          {"ident_file", layout.conf() + "/pg_ident.conf"},
          {"cluster_name", cluster_name_of(layout)},
          {"listen_addresses", ""},
          {"port", "5432"},  // the socket's name; nothing listens on a network
          {"unix_socket_directories", socket_directory},
          {"unix_socket_permissions", "0700"},
          {"ssl", "off"},
          {"password_encryption", "scram-sha-256"},
          {"fsync", "on"},
          {"full_page_writes", "on"},
          {"restart_after_crash", "on"},
          {"logging_collector", "on"},
          {"log_destination", "stderr"},
          {"log_directory", "log"},
          {"log_filename", "postgresql-%a.log"},  // a week, then over again
          {"log_truncate_on_rotation", "on"},
          {"log_rotation_age", "1d"},
          {"log_rotation_size", "0"},
          {"log_file_mode", "0600"},
          {"log_line_prefix", "%m [%p] "},
          // No statement and no value of one: errors of statements stay out (LOG ranks above
          // ERROR here), and terse drops the DETAIL lines that quote rows and queries.
          {"log_min_messages", "log"},
          {"log_error_verbosity", "terse"},
          {"log_min_error_statement", "panic"},
          {"log_statement", "none"},
          {"log_min_duration_statement", "-1"},
          {"log_min_duration_sample", "-1"},
          {"log_transaction_sample_rate", "0"},
          {"log_parameter_max_length", "0"},
          {"log_parameter_max_length_on_error", "0"},
          {"log_autovacuum_min_duration", "-1"}};
}

Result<std::string> render_configuration(const ServerSize& size, const Settings& extra) {
  std::string text = "# Written by Bartizan at every start; changes are lost.\n";
  for (const auto& [name, value] : sized_settings(size)) text += name + " = " + quoted_value(value) + "\n";
  for (const auto& [name, value] : extra) {
    if (!is_setting_name(name)) return fail(Errc::InvalidArgument, "a PostgreSQL setting has a name that is not one");
    if (is_reserved(name))
      return fail(Errc::InvalidArgument, "the PostgreSQL setting " + name + " is Bartizan's own and can't be set");
    if (std::ranges::any_of(value, [](char c) { return static_cast<unsigned char>(c) < 0x20; }))
      return fail(Errc::InvalidArgument, "the value of the PostgreSQL setting " + name + " has a control character");
    text += name + " = " + quoted_value(value) + "\n";
  }
  return text;
}

bool fits_socket(std::string_view directory) {
  constexpr std::string_view kSocketName = "/.s.PGSQL.5432";
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '.' ||
           c == '_' || c == '-' || c == '+' || c == '~';
  };
  return directory.starts_with('/') && directory.size() + kSocketName.size() <= kLongestSocketPath &&
         std::ranges::all_of(directory, plain);
}

}  // namespace bartizan::postgres
