// The folder of an embedded server and what lies in it:
//
//   BARTIZAN              marker: this folder is ours, and its layout's version
//   bartizan.lock         flock(2) held by the gateway that runs the server
//   secrets/              0700, the gateway's: superuser.password (0600)
//   conf/                 postgresql.conf, pg_hba.conf, pg_ident.conf: written by the gateway,
//                         readable and not writable by PostgreSQL's user
//   run/                  0700, PostgreSQL's: the unix socket
//   pgdata/               0700, PostgreSQL's: the cluster and its log/
//   encrypted/            in its place, the folder that the cluster lies encrypted in (docs/formats/at-rest.md)
//
// The gateway may be root and PostgreSQL's user may be hostile, so nothing inside run/ or pgdata/
// is written by the gateway, and links there are not followed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "bartizan/base/result.hpp"
#include "bartizan/postgres/server_account.hpp"

namespace bartizan::postgres {

struct DataDirectoryChoice {
  std::string path;    ///< absolute
  bool moved = false;  ///< not the one asked for
  std::string reason;  ///< why, for the operator
};

/// The folder asked for, or one under fallback_root when the account can't traverse to it
/// (one under /root, say). The same request always gives the same folder. Creates nothing.
/// InvalidArgument unless requested is an absolute path.
Result<DataDirectoryChoice> choose_data_directory(std::string_view requested, const ServerAccount& account,
                                                  std::string_view fallback_root = "/var/lib/bartizan");

struct DataLayout {
  std::string root;
  std::string files{};  ///< what pgdata lies in; empty: root
  [[nodiscard]] std::string marker() const { return root + "/BARTIZAN"; }
  [[nodiscard]] std::string lock() const { return root + "/bartizan.lock"; }
  [[nodiscard]] std::string secrets() const { return root + "/secrets"; }
  [[nodiscard]] std::string superuser_password() const { return root + "/secrets/superuser.password"; }
  [[nodiscard]] std::string conf() const { return root + "/conf"; }
  [[nodiscard]] std::string run() const { return root + "/run"; }
  [[nodiscard]] std::string encrypted() const { return root + "/encrypted"; }
  [[nodiscard]] const std::string& around_pgdata() const { return files.empty() ? root : files; }
  [[nodiscard]] std::string pgdata() const { return around_pgdata() + "/pgdata"; }
  /// Where initdb works; renamed to pgdata() when it is whole.
  [[nodiscard]] std::string pgdata_new() const { return around_pgdata() + "/pgdata.new"; }
  [[nodiscard]] std::string startup_log() const { return root + "/startup.log"; }
};

/// Makes the folders that are missing with owners and modes as above, and the marker.
/// FailedPrecondition, with what to do: a folder that is not empty and not ours, wrong owner.
Result<void> prepare_layout(const DataLayout& layout, const ServerAccount& account);

/// The major version of the cluster, nullopt when there is none yet.
/// FailedPrecondition, with what to do: wrong owner or mode, no readable PG_VERSION.
Result<std::optional<int>> inspect_cluster(const DataLayout& layout, const ServerAccount& account);

}  // namespace bartizan::postgres
