// What a consumer may see of a server's ErrorResponse and NoticeResponse: the severity, the
// SQLSTATE, and a message that can hold neither a stored value nor a name of the wall. Messages of
// the codes that PostgreSQL raises before it has read a row pass, the wall's views under their
// tables' names; every other code has one fixed text. All further fields are left out: they carry
// values (DETAIL), server text (CONTEXT, internal query) or places in a text that is not the client's.
// Pure; what can't be read becomes a fixed XX000.
#pragma once

#include <string_view>

#include "bartizan/base/bytes.hpp"
#include "bartizan/policy/wall_class.hpp"

namespace bartizan::session {

/// Names of the wall, and what is said in their place. Views, valid during the call.
struct ScrubNames {
  const policy::WallClass* wall_class = nullptr;  ///< null: no name of the wall is known, none passes
  std::string_view shown_user;                    ///< for the class's login
  /// 57014 is of the wall's keeper: the owner's DDL was waited for too long.
  bool interrupted = false;
};

/// Longest message that is passed on.
inline constexpr std::size_t kMaxScrubbedMessage = 1024;

/// Appends an ErrorResponse. payload: of the server's, without its header.
void scrub_error(ByteView payload, const ScrubNames& names, Bytes& out);

/// The error of a cancelled statement.
[[nodiscard]] bool is_cancelled(ByteView payload);

/// The same for an ErrorResponse that was too long to be read.
void scrub_unread_error(Bytes& out);

/// Appends a NoticeResponse, or nothing: only a closed list passes.
void scrub_notice(ByteView payload, Bytes& out);

}  // namespace bartizan::session
