#include "admin_call.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "bartizan/config/quantity.hpp"
#include "classification_file.hpp"
#include "password.hpp"
#include "request.hpp"
#include "terminal_text.hpp"

namespace bartizan::cli {
namespace {

constexpr std::string_view kDefaultSocket = "/run/bartizan/admin.sock";
constexpr std::size_t kMaxPemBytes = 1u << 20;

std::string variable(const config::Environment& environment, std::string_view name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

std::string socket_in(const std::string& data) { return (std::filesystem::path(data) / "run" / "admin.sock").native(); }

Result<SecretBytes> get_password(const Command& command, const Arguments& arguments, const Surroundings& surroundings) {
  if (arguments.has("password-stdin")) return read_password(surroundings.in);
  const std::string whose = visible(arguments.text(command.password_with.empty() ? "name" : command.password_with));
  BZ_TRY(SecretBytes password,
         surroundings.ask_password(whose.empty() ? "Password: " : fmt::format("Password of {}: ", whose)));
  if (command.password == PasswordUse::New) {
    BZ_TRY(const SecretBytes again, surroundings.ask_password("The same again: "));
    if (again.reveal_chars() != password.reveal_chars()) return fail(Errc::InvalidArgument, "the two passwords differ");
  }
  return password;
}

Result<std::string> read_pem(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string content(kMaxPemBytes + 1, '\0');
  if (!in || !in.read(content.data(), static_cast<std::streamsize>(content.size())).eof()) {
    return fail(in ? Errc::InvalidArgument : Errc::Io,
                visible(file) + (in ? ": too long for a PEM file" : ": cannot be read"));
  }
  content.resize(static_cast<std::size_t>(in.gcount()));
  if (content.find("-----BEGIN CERTIFICATE-----") == std::string::npos || !is_utf8(content)) {
    return fail(Errc::InvalidArgument, visible(file) + ": holds no PEM certificate");
  }
  return content;
}

/// Read into a fixed buffer, so that no copy is left behind.
Result<SecretBytes> read_private_key(const std::string& file) {
  constexpr std::size_t kMaxKeyBytes = 16u << 10;
  std::ifstream in(file, std::ios::binary);
  SecretBytes content(kMaxKeyBytes);
  const auto room = content.reveal_mutable();
  if (!in || !in.read(reinterpret_cast<char*>(room.data()), static_cast<std::streamsize>(room.size())).eof()) {
    return fail(in ? Errc::InvalidArgument : Errc::Io,
                visible(file) + (in ? ": too long for a key file" : ": cannot be read"));
  }
  SecretBytes key(content.reveal().first(static_cast<std::size_t>(in.gcount())));
  if (key.reveal_chars().find("ENCRYPTED") != std::string_view::npos) {
    return fail(Errc::InvalidArgument,
                visible(file) + ": its key has a passphrase; `openssl pkey -in FILE` takes it off");
  }
  if (key.reveal_chars().find("PRIVATE KEY-----") == std::string_view::npos || !is_utf8(key.reveal_chars())) {
    return fail(Errc::InvalidArgument, visible(file) + ": holds no PEM private key");
  }
  return key;
}

std::string_view hint_for(Errc code) {
  if (code == Errc::Unavailable) return "is Bartizan running? --socket or --data says which one is meant";
  if (code == Errc::PermissionDenied)
    return "run it as root, as Bartizan's own user, or as a member of the group bartizan";
  return {};
}

}  // namespace

std::string data_directory(const Arguments& arguments, const config::Environment& environment) {
  return arguments.has("data") ? arguments.text("data") : variable(environment, "BARTIZAN_DATA");
}

std::string admin_socket(const Arguments& arguments, const config::Environment& environment) {
  if (arguments.has("socket")) return arguments.text("socket");
  if (arguments.has("data")) return socket_in(arguments.text("data"));
  if (std::string socket = variable(environment, "BARTIZAN_SOCKET"); !socket.empty()) return socket;
  if (const std::string data = variable(environment, "BARTIZAN_DATA"); !data.empty()) return socket_in(data);
  return std::string(kDefaultSocket);
}

Result<AdminClientOptions> admin_options(const Arguments& arguments, const config::Environment& environment) {
  AdminClientOptions options{.socket_file = admin_socket(arguments, environment)};
  if (!arguments.has("timeout")) return options;
  const auto timeout = config::parse_duration(arguments.text("timeout"));
  if (!timeout) return fail(Errc::InvalidArgument, "--timeout: " + timeout.error().detail);
  if (timeout->count() == 0 || *timeout > std::chrono::hours(24))
    return fail(Errc::InvalidArgument, "--timeout goes from 1ms to 24h");
  options.timeout = *timeout;
  return options;
}

Result<Attachments> get_attachments(const Command& command, const Arguments& arguments,
                                    const Surroundings& surroundings) {
  Attachments attachments;
  if (arguments.has("ca-file")) {
    BZ_TRY(attachments.tls_ca_pem, read_pem(arguments.text("ca-file")));
  }
  if (arguments.has("certificate-file")) {
    BZ_TRY(attachments.certificate_pem, read_pem(arguments.text("certificate-file")));
    BZ_TRY(attachments.private_key_pem, read_private_key(arguments.text("key-file")));
  }
  if (arguments.has("manifests")) {
    BZ_TRY(attachments.documents, read_manifests(arguments.text("manifests")));
  }
  if (arguments.has("subject-stdin")) {
    auto subject = read_password(surroundings.in);
    if (!subject)
      return fail(subject.error().code, "--subject-stdin: the first line of stdin is no value, or too long");
    attachments.subject = std::move(*subject);
  }
  if (wants_password(command, arguments)) {
    BZ_TRY(attachments.password, get_password(command, arguments, surroundings));
  }
  return attachments;
}

Presented call_admin(const Command& command, const Arguments& arguments, const Surroundings& surroundings) {
  const bool json = arguments.has("json");
  const auto options = admin_options(arguments, surroundings.environment);
  if (!options) return present_error(options.error(), {}, json);
  const auto attachments = get_attachments(command, arguments, surroundings);
  if (!attachments) {
    const bool no_terminal = attachments.error().code == Errc::Unavailable;
    Presented presented =
        present_error(attachments.error(), no_terminal ? "--password-stdin reads it from stdin" : "", json);
    if (no_terminal) presented.code = ExitCode::Usage;
    return presented;
  }
  std::string request = build_request(command, arguments, *attachments);
  const auto answer = ask_admin(*options, request);
  secure_wipe(request.data(), request.size());
  if (!answer) return present_error(answer.error(), hint_for(answer.error().code), json);
  if (!arguments.has("write") || answer->find("\"ok\":true") == std::string::npos)
    return present(command, *answer, json);
  const auto file = classification_file(*answer);
  if (!file) return present_error(file.error(), {}, json);
  if (const auto written = write_new_file(arguments.text("write"), file->text); !written)
    return present_error(written.error(), {}, json);
  if (json) return present(command, *answer, json);
  return {ExitCode::Ok,
          fmt::format("{}: {} tables, {} columns with a tag\nread each line, then: bartizan policy publish\n",
                      visible(arguments.text("write")), file->tables, file->columns),
          {}};
}

}  // namespace bartizan::cli
