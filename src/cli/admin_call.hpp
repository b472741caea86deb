// One sub-command over the admin socket: find the socket, get the password, ask, present.
#pragma once

#include <string>

#include "bartizan/cli/admin_client.hpp"
#include "bartizan/cli/run.hpp"
#include "command.hpp"
#include "present.hpp"
#include "request.hpp"

namespace bartizan::cli {

/// --socket; that of --data; $BARTIZAN_SOCKET; that of $BARTIZAN_DATA; /run/bartizan/admin.sock.
[[nodiscard]] std::string admin_socket(const Arguments& arguments, const config::Environment& environment);

/// --data, else $BARTIZAN_DATA, else empty.
[[nodiscard]] std::string data_directory(const Arguments& arguments, const config::Environment& environment);

/// Socket and --timeout. InvalidArgument.
[[nodiscard]] Result<AdminClientOptions> admin_options(const Arguments& arguments,
                                                       const config::Environment& environment);

/// What goes along with the arguments: files that they name, a password that is asked for.
[[nodiscard]] Result<Attachments> get_attachments(const Command& command, const Arguments& arguments,
                                                  const Surroundings& surroundings);

/// Until the limit is reached or somebody ends it; the exit code.
[[nodiscard]] int follow_admin(const Command& command, const Arguments& arguments, const Surroundings& surroundings);

/// All pages, each record a line; the exit code.
[[nodiscard]] int export_all(const Command& command, const Arguments& arguments, const Surroundings& surroundings);

[[nodiscard]] Presented call_admin(const Command& command, const Arguments& arguments,
                                   const Surroundings& surroundings);

}  // namespace bartizan::cli
