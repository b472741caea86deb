#include "request.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

namespace bartizan::cli {
namespace {

namespace json = boost::json;

std::string argument_name(std::string_view option) {
  std::string name(option);
  std::ranges::replace(name, '-', '_');
  return name;
}

std::int64_t integer(const std::string& text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

json::object plain_arguments(const Command& command, const Arguments& arguments) {
  json::object args;
  for (const Parameter& parameter : command.parameters) {
    if (!parameter.in_request || !arguments.has(parameter.name)) continue;
    const std::string name = argument_name(parameter.name);
    const std::string text = arguments.text(parameter.name);
    switch (parameter.kind) {
      case ParameterKind::Text: args[name] = text; break;
      case ParameterKind::Integer: args[name] = integer(text); break;
      case ParameterKind::Flag: args[name] = true; break;
      case ParameterKind::PemFile:
      case ParameterKind::Manifests: break;
    }
  }
  return args;
}

json::string chars(const SecretBytes& secret) { return json::string(secret.reveal_chars()); }

/// How the gateway signs in at the server as a login.
void put_credentials(json::object& login, const Attachments& attachments) {
  if (!attachments.password.empty()) login["password"] = chars(attachments.password);
  if (!attachments.certificate_pem) return;
  login["certificate_pem"] = *attachments.certificate_pem;
  login["private_key_pem"] = chars(attachments.private_key_pem);
}

/// A depot's first login stands in a list of logins; its database is called as the depot is.
void shape_depot(json::object& args, const Attachments& attachments) {
  if (!args.contains("database")) {
    json::value name = args.at("name");  // a copy: the new member may move the others
    args["database"] = std::move(name);
  }
  const auto login = args.find("login");
  if (login == args.end()) return;
  json::object entry{{"login", login->value()}};
  put_credentials(entry, attachments);
  args.erase(login);
  args["logins"] = json::array{std::move(entry)};
}

}  // namespace

bool wants_password(const Command& command, const Arguments& arguments) {
  if (command.password == PasswordUse::None || arguments.has("no-password") || arguments.has("delete")) return false;
  return command.password_with.empty() || arguments.has(command.password_with);
}

std::string build_request(const Command& command, const Arguments& arguments, const Attachments& attachments) {
  json::object args = plain_arguments(command, arguments);
  if (attachments.tls_ca_pem) args["tls_ca_pem"] = *attachments.tls_ca_pem;
  if (attachments.documents) {
    json::array documents;
    for (const ManifestFile& one : *attachments.documents)
      documents.push_back(json::object{{"file", one.file}, {"text", one.text}});
    args["documents"] = std::move(documents);
  }
  if (!attachments.subject.empty()) args["subject"] = chars(attachments.subject);
  if (command.admin_verb == "depot.create") {
    shape_depot(args, attachments);
  } else {
    put_credentials(args, attachments);
  }
  if (command.admin_verb == "setting.set" && args.erase("default") > 0) args["value"] = nullptr;
  return json::serialize(json::object{{"v", 1}, {"verb", command.admin_verb}, {"args", std::move(args)}});
}

}  // namespace bartizan::cli
