// What a consumer may say at its sign-in, when a policy class stands between it and the server: the
// settings that SET would take too (sql::setting_rule), and none that would change which names are
// found or how texts are read. search_path is the session's own; the server's is pinned, beside
// what layer 1 relies on, so that RESET leads back to it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bartizan/base/result.hpp"

namespace bartizan::session {

using Settings = std::vector<std::pair<std::string, std::string>>;

struct ClassSettings {
  Settings for_server;                   ///< of its StartupMessage, the pinned ones last: the last of a name counts
  std::vector<std::string> search_path;  ///< virtual; PostgreSQL's default where none was given
};

/// PermissionDenied, with a text for the client: a setting that may not be given;
/// InvalidArgument: a value that can't be.
/// operator_schemas: what the server's search_path has after pg_catalog (sql::ViewMap).
[[nodiscard]] Result<ClassSettings> class_settings(std::span<const std::pair<std::string, std::string>> asked,
                                                   std::span<const std::string> operator_schemas = {});

/// A list of identifiers as search_path takes it: folded to lower case outside quotes, each cut to 63
/// bytes as PostgreSQL does. InvalidArgument: it is none. An empty text is an empty list.
[[nodiscard]] Result<std::vector<std::string>> split_identifiers(std::string_view text);

}  // namespace bartizan::session
