// Arguments to the line that goes over the admin socket (docs/formats/admin-socket.md). Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bartizan/base/secret.hpp"
#include "command.hpp"
#include "manifests.hpp"

namespace bartizan::cli {

/// What is not on the command line itself: a password from prompt or stdin, the content of a file.
struct Attachments {
  SecretBytes password;  ///< empty: none
  std::optional<std::string> tls_ca_pem;
  std::optional<std::string> certificate_pem;
  SecretBytes private_key_pem;  ///< with certificate_pem
  std::optional<std::vector<ManifestFile>> documents;
  SecretBytes subject;  ///< the value that says who a data subject is; empty: none
};

/// One line of JSON, without its newline. It may hold a password: wipe it when it has been sent.
/// REQUIRES: command.admin_verb is set; arguments came out of parse().
[[nodiscard]] std::string build_request(const Command& command, const Arguments& arguments,
                                        const Attachments& attachments);

/// Whether the command asks for a password with these arguments.
[[nodiscard]] bool wants_password(const Command& command, const Arguments& arguments);

}  // namespace bartizan::cli
