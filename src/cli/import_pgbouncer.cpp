#include "import_pgbouncer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>
#include <system_error>

#include "admin_call.hpp"
#include "bartizan/cli/admin_client.hpp"
#include "bartizan/migrate/pgbouncer.hpp"
#include "bartizan/migrate/userlist.hpp"
#include "import_report.hpp"
#include "terminal_text.hpp"

namespace bartizan::cli {
namespace {

namespace json = boost::json;

std::string reason() { return std::generic_category().message(errno); }

/// Regular files alone: a pipe or a device could be without an end.
Result<std::string> read_regular_file(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return fail(Errc::Io, path + ": no file that can be read");
  std::ifstream in(path, std::ios::binary);
  std::string content;
  content.resize(std::min<std::size_t>(std::filesystem::file_size(path, error), migrate::kMaxUserlistBytes + 1));
  if (error || !in || !in.read(content.data(), static_cast<std::streamsize>(content.size())))
    return fail(Errc::Io, path + ": cannot be read");
  return content;
}

/// Made anew, or refused: what stands there may be somebody's work.
Result<void> write_new_file(const std::string& path, std::string_view content, ::mode_t mode) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
  if (file < 0) return fail(errno == EEXIST ? Errc::AlreadyExists : Errc::Io, path + ": " + reason());
  bool good = true;
  while (good && !content.empty()) {
    const auto written = ::write(file, content.data(), content.size());
    good = written >= 0 || errno == EINTR;
    if (written > 0) content.remove_prefix(static_cast<std::size_t>(written));
  }
  good = good && ::fsync(file) == 0;
  std::string why = good ? std::string() : reason();
  ::close(file);
  if (good) return {};
  return fail(Errc::Io, path + ": " + why);
}

Result<std::vector<std::string>> write_files(const migrate::Plan& plan, const std::filesystem::path& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return fail(Errc::Io, folder.native() + ": " + reason());
  const std::string toml = (folder / "bartizan.toml").native();
  const std::string requests = (folder / "requests.jsonl").native();
  std::error_code error;
  for (const std::string& file : {toml, requests}) {
    if (std::filesystem::exists(file, error)) return fail(Errc::AlreadyExists, file + " is there already");
  }
  std::string lines;
  for (const migrate::AdminRequest& request : plan.requests)
    lines.append(migrate::render_request(request).reveal_chars()).append(1, '\n');
  auto done = write_new_file(toml, migrate::render_toml(plan), 0644);
  if (done) done = write_new_file(requests, lines, 0600);
  secure_wipe(lines.data(), lines.size());
  if (!done) return tl::unexpected<Error>(std::move(done).error());
  return std::vector<std::string>{toml, requests + " (mode 0600: it holds passwords and verifiers)"};
}

/// An answer's error; nullopt: it went well.
std::optional<Error> failure_of(std::string_view answer) {
  json::error_code error;
  const json::value value = json::parse(json::string_view(answer.data(), answer.size()), error);
  const json::object* object = error ? nullptr : value.if_object();
  const json::value* ok = object == nullptr ? nullptr : object->if_contains("ok");
  if (ok == nullptr || !ok->is_bool())
    return Error{Errc::Malformed, "the answer of the admin socket is not understood"};
  if (ok->as_bool()) return std::nullopt;
  const json::value* member = object->if_contains("error");
  const json::object* fault = member == nullptr ? nullptr : member->if_object();
  Error out{Errc::Internal, "refused without a reason"};
  if (fault == nullptr) return out;
  if (const json::value* message = fault->if_contains("message"); message != nullptr && message->is_string())
    out.detail = std::string(message->as_string());
  if (const json::value* code = fault->if_contains("code"); code != nullptr && code->is_string())
    out.code = code_named(std::string_view(code->as_string().data(), code->as_string().size()));
  return out;
}

std::string text_of(const migrate::AdminRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.arguments) {
    const auto* text = std::get_if<std::string>(&value);
    if (key == name && text != nullptr) return *text;
  }
  return {};
}

/// Sends a plan's requests. Lives during one import.
class Sending {
 public:
  explicit Sending(const AdminClientOptions& options) : options_(options) {}

  Applied send(const migrate::Plan& plan) {
    for (const migrate::AdminRequest& request : plan.requests) {
      auto failure = is_there(request) ? std::optional<Error>(Error{Errc::AlreadyExists, {}}) : send(request);
      if (!failure) {
        ++out_.done;
      } else if (failure->code == Errc::AlreadyExists) {
        ++out_.there_already;
        if (request.verb == "depot.create") ask_logins(text_of(request, "name"));
      } else {
        out_.failed_request = describe(request);
        out_.failure = std::move(*failure);
        break;
      }
    }
    return std::move(out_);
  }

 private:
  std::optional<Error> send(const migrate::AdminRequest& request) {
    const SecretBytes line = migrate::render_request(request);
    const auto answer = ask_admin(options_, line.reveal_chars());
    return answer ? failure_of(*answer) : std::optional<Error>(answer.error());
  }

  /// depot.login replaces a login's password: one that somebody gave since must not be lost.
  [[nodiscard]] bool is_there(const migrate::AdminRequest& request) const {
    return request.verb == "depot.login" && logins_.contains({text_of(request, "name"), text_of(request, "login")});
  }

  /// Of a depot that was there before.
  void ask_logins(const std::string& depot) {
    migrate::AdminRequest show{"depot.show", {}};
    show.arguments.emplace_back("name", depot);
    const SecretBytes line = migrate::render_request(show);
    const auto answer = ask_admin(options_, line.reveal_chars());
    json::error_code error;
    const json::value value =
        answer ? json::parse(json::string_view(answer->data(), answer->size()), error) : json::value();
    const auto logins = value.find_pointer("/result/logins", error);
    if (logins == nullptr || !logins->is_array()) return;
    for (const json::value& login : logins->as_array()) {
      const json::value* name = login.is_object() ? login.as_object().if_contains("login") : nullptr;
      if (name != nullptr && name->is_string()) logins_.emplace(depot, std::string(name->as_string()));
    }
  }

  const AdminClientOptions& options_;
  std::set<std::pair<std::string, std::string>> logins_;
  Applied out_;
};

std::optional<std::string> check_apply(const Arguments& arguments) {
  if (arguments.has("skip-refused") && !arguments.has("apply")) return "--skip-refused goes with --apply";
  return std::nullopt;
}

}  // namespace

Command import_pgbouncer_command() {
  return {
      .noun = "import",
      .verb = "pgbouncer",
      .summary = "turn a PgBouncer configuration into Bartizan's",
      .description =
          "Reads pgbouncer.ini with what it includes, and auth_file; says of every key whether it has the same effect "
          "here, another one, none, or is refused; and what is left to do. Without --out and --apply nothing is "
          "changed. --out writes bartizan.toml and requests.jsonl, the lines for the admin socket; --apply sends them "
          "to a running Bartizan, where what is there already is left as it is, but for pool settings. Exit code 4 while keys are refused.",
      .parameters =
          {{.name = "file",
            .placeholder = "FILE",
            .help = "pgbouncer.ini; relative paths in it start at its folder",
            .positional = true,
            .required = true},
           {.name = "out", .placeholder = "DIR", .help = "write the files here; made if it is not there"},
           {.name = "apply", .kind = ParameterKind::Flag, .help = "make depots, identities, logins and grants"},
           {.name = "skip-refused",
            .kind = ParameterKind::Flag,
            .help = "apply although keys are refused, without them"},
           {.name = "json", .kind = ParameterKind::Flag, .help = "print JSON, secrets left out"},
           {.name = "socket",
            .placeholder = "FILE",
            .help = "admin socket of the running Bartizan",
            .default_text = "as for other commands"},
           {.name = "data", .placeholder = "DIR", .help = "data folder of an instance started by up"},
           {.name = "timeout", .placeholder = "TIME", .help = "longest wait for one answer", .default_text = "60s"}},
      .examples = {{"bartizan import pgbouncer /etc/pgbouncer/pgbouncer.ini", "look first"},
                   {"bartizan import pgbouncer /etc/pgbouncer/pgbouncer.ini --out ./bartizan", ""},
                   {"bartizan import pgbouncer /etc/pgbouncer/pgbouncer.ini --apply --skip-refused", ""}},
      .check = check_apply};
}

Presented import_pgbouncer(const Arguments& arguments, const Surroundings& surroundings) {
  const bool as_json = arguments.has("json");
  const auto options = admin_options(arguments, surroundings.environment);
  if (!options) return present_error(options.error(), {}, as_json);
  ImportOutcome outcome{arguments.text("file"), {}, {}, false};
  const auto plan = migrate::plan_from_pgbouncer(outcome.file, read_regular_file);
  if (!plan) {
    Presented presented = present_error(plan.error(), {}, as_json);
    presented.code = ExitCode::Configuration;
    return presented;
  }
  const bool refused = plan->count(migrate::Verdict::Refused) > 0 && !arguments.has("skip-refused");
  ExitCode code = refused ? ExitCode::Refused : ExitCode::Ok;
  if (arguments.has("out")) {
    auto written = write_files(*plan, arguments.text("out"));
    if (!written) return present_error(written.error(), {}, as_json);
    outcome.written = std::move(*written);
  }
  outcome.held_back = arguments.has("apply") && refused;
  if (arguments.has("apply") && !refused) {
    outcome.applied = Sending(*options).send(*plan);
    if (!outcome.applied->failed_request.empty()) code = exit_code_of(outcome.applied->failure.code);
  }
  return {code, as_json ? render_import_json(*plan, outcome) : render_import(*plan, outcome), {}};
}

}  // namespace bartizan::cli
