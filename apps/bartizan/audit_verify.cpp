#include "audit_verify.hpp"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <iostream>
#include <sstream>

#include "bartizan/cli/admin_client.hpp"
#include "bartizan/control/document.hpp"
#include "files.hpp"

extern char** environ;

namespace bartizan::app {
namespace {

using control::Document;
using control::Members;

int complain(const Error& error) {
  std::cerr << "bartizan: " << error.detail << "\n";
  return static_cast<int>(cli::exit_code_of(error.code));
}

std::string text(const Document& document, std::string_view name) {
  const Document* member = document.find(name);
  const auto* found = member == nullptr ? nullptr : member->as<std::string>();
  return found == nullptr ? std::string() : *found;
}

Result<Document> ask(const cli::AuditVerifyOptions& options, std::string_view verb, Members args) {
  cli::AdminClientOptions client{.socket_file = options.socket_file};
  const Document request(Members{{"v", 1}, {"verb", std::string(verb)}, {"args", std::move(args)}});
  BZ_TRY(const auto line, cli::ask_admin(client, request.to_json()));
  BZ_TRY(const auto answer, Document::parse(line));
  if (const auto* result = answer.find("result")) return *result;
  const auto* error = answer.find("error");
  return fail(Errc::FailedPrecondition,
              error == nullptr ? "the admin socket's answer is not understood" : text(*error, "message"));
}

/// The one that was built or installed along with this program.
std::string verifier() {
  std::error_code error;
  const auto beside = std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / "bartizan-verify";
  return !error && std::filesystem::exists(beside, error) ? beside.string() : "/usr/bin/bartizan-verify";
}

int run(const std::vector<std::string>& words) {
  std::cout << std::flush;
  std::vector<char*> arguments;
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t child = 0;
  if (::posix_spawn(&child, words.front().c_str(), nullptr, nullptr, arguments.data(), environ) != 0)
    return complain({Errc::NotFound, words.front() + " can't be run: it comes with Bartizan's package"});
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : static_cast<int>(cli::ExitCode::Fault);
}

/// A folder that goes with its two files.
class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "bartizan-verify-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) folder_ = name;
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code error;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, error);
  }
  [[nodiscard]] Result<std::string> keep(const std::string& name, const std::string& content) const {
    if (folder_.empty()) return fail(Errc::Io, "no folder for temporary files can be made");
    const auto file = folder_ / name;
    BZ_CHECK(write_file(file, content, 0600));
    return file.string();
  }

 private:
  std::filesystem::path folder_;
};

int verify_record(const cli::AuditVerifyOptions& options) {
  const auto proven = ask(options, "audit.prove", Members{{"record", options.record}});
  if (!proven) return complain(proven.error());
  const Scratch scratch;
  const auto record = scratch.keep("record", text(*proven, "entry"));
  const auto proof = scratch.keep("record.tlog-proof", text(*proven, "proof"));
  if (!record || !proof) return complain(!record ? record.error() : proof.error());
  return run({verifier(), "record", "--key", text(*proven, "key"), "--proof", *proof, *record});
}

}  // namespace

int audit_verify(const cli::AuditVerifyOptions& options) {
  if (!options.record.empty()) return verify_record(options);
  Members args;
  if (!options.tenant.empty()) args.emplace_back("tenant", options.tenant);
  const auto log = ask(options, "audit.verify", std::move(args));
  if (!log) return complain(log.error());
  const std::string folder = text(*log, "directory");
  const std::string tree = folder + "/tree/" + text(*log, "tree");
  const bool one_tree = !options.tenant.empty();
  std::vector<std::string> words = {verifier()};
  if (!options.from.empty()) {
    const std::string newer = options.to.empty() ? tree + "/checkpoint" : options.to;
    words.insert(words.end(), {"consistency", "--key", text(*log, "tree_key"), "--keys", folder + "/keys", "--tree",
                               tree, options.from, newer});
    return run(words);
  }
  words.insert(words.end(), {one_tree ? "tree" : "log", "--key", text(*log, one_tree ? "tree_key" : "key"), "--keys",
                             folder + "/keys"});
  if (options.hours) words.emplace_back("--hours");
  if (!options.against.empty()) words.insert(words.end(), {"--against", options.against});
  std::istringstream witnesses(one_tree ? std::string() : text(*log, "witness_key"));
  for (std::string witness; witnesses >> witness;) words.insert(words.end(), {"--witness", witness});
  words.push_back(one_tree ? tree : folder);
  return run(words);
}

}  // namespace bartizan::app
