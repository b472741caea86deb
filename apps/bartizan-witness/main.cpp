// bartizan-witness: serves the add-checkpoint call, or answers one on stdin (status on stderr), for a
// server's CGI or a forced command over ssh. Making keys is the third verb.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "serve.hpp"
#include "witness.hpp"

namespace {

using namespace bartizan;

constexpr int kUsage = 2;
constexpr int kConfiguration = 3;
constexpr int kRefused = 4;
constexpr std::size_t kMaxRequest = 128 * 1024;

constexpr const char* kHelp =
    "bartizan-witness: cosigns checkpoints of audit logs that only grow\n"
    "\n"
    "  bartizan-witness keygen NAME FILE             writes a new private key, prints the public one\n"
    "  bartizan-witness serve --listen HOST:PORT --key FILE --state DIRECTORY --log KEY [--log KEY ...]\n"
    "                                                answers POST /add-checkpoint over plain HTTP until SIGTERM: what goes\n"
    "                                                over it is signed on both sides, and no secret\n"
    "  bartizan-witness add-checkpoint --key FILE --state DIRECTORY --log KEY [--log KEY ...]\n"
    "                                                a C2SP tlog-witness request on stdin, the answer on stdout\n"
    "  bartizan-witness add-key --key FILE --state DIRECTORY --log KEY [--log KEY ...]\n"
    "                                                the note by which a log's key introduces the next, on stdin\n"
    "\n"
    "Exit codes: 0 cosigned, 2 wrong use, 3 a key or folder is not usable, 4 not cosigned (the status is on stderr).\n";

int complain(int code, const std::string& why) {
  std::fprintf(stderr, "bartizan-witness: %s\n", why.c_str());
  return code;
}

int keygen(const std::string& name, const std::string& path) {
  const auto signer = audit::NoteSigner::generate(audit::KeyType::Cosignature, name, system_random());
  if (!signer) return complain(kUsage, signer.error().detail);
  const auto file = auditlog::system_files().open(path, auditlog::OpenMode::CreateNew);
  if (!file) return complain(kConfiguration, file.error().detail);
  const SecretBytes text = signer->to_text();
  auto written = (*file)->write_at(0, text.reveal());
  if (written) written = (*file)->sync();
  if (!written) return complain(kConfiguration, written.error().detail);
  std::printf("%s\n", signer->verifier().to_string().c_str());
  return 0;
}

Result<audit::NoteSigner> read_key(const std::string& path) {
  BZ_TRY(auto file, auditlog::system_files().open(path, auditlog::OpenMode::Read));
  SecretBytes bytes(1024);
  BZ_TRY(const std::size_t size, file->read_at(0, bytes.reveal_mutable()));
  std::string_view text = bytes.reveal_chars().substr(0, size);
  while (text.ends_with('\n')) text.remove_suffix(1);
  BZ_TRY(auto signer, audit::NoteSigner::parse(text));
  if (signer.verifier().type() != audit::KeyType::Cosignature)
    return fail(Errc::InvalidArgument, path + " holds a log's key, not a witness's");
  return signer;
}

struct Duty {
  std::string listen;
  std::string key;
  std::string state;
  std::vector<audit::NoteVerifier> logs;
};

/// What is wrong with the words, or nothing.
std::string parse(const std::vector<std::string>& words, Duty& out) {
  for (std::size_t i = 1; i + 1 < words.size(); i += 2) {
    if (words[i] == "--key") {
      out.key = words[i + 1];
    } else if (words[i] == "--state") {
      out.state = words[i + 1];
    } else if (words[i] == "--listen" && words[0] == "serve") {
      out.listen = words[i + 1];
    } else if (words[i] == "--log") {
      auto log = audit::NoteVerifier::parse(words[i + 1]);
      if (!log || log->type() != audit::KeyType::Ed25519) return "--log is not a log's public key";
      out.logs.push_back(std::move(*log));
    } else {
      return "there is no " + words[i];
    }
  }
  const bool whole = words.size() % 2 == 1 && !out.key.empty() && !out.state.empty() && !out.logs.empty() &&
                     out.listen.empty() == (words[0] != "serve");
  if (whole) return {};
  return words[0] +
         (words[0] == "serve" ? " needs --listen, --key, --state and --log" : " needs --key, --state and --log") +
         " (see bartizan-witness --help)";
}

int answer_one(const witness::Witness& judge, bool key) {
  std::string body(kMaxRequest + 1, '\0');
  std::cin.read(body.data(), static_cast<std::streamsize>(body.size()));
  body.resize(static_cast<std::size_t>(std::cin.gcount()));
  if (body.size() > kMaxRequest) return complain(kRefused, "413");
  const auto response = key ? judge.add_key(body) : judge.add_checkpoint(body, system_clock().wall());
  std::fwrite(response.body.data(), 1, response.body.size(), stdout);
  std::fprintf(stderr, "%u\n", response.status);
  return response.status == 200 ? 0 : kRefused;
}

int judge(const std::vector<std::string>& words) {
  Duty duty;
  if (const auto why = parse(words, duty); !why.empty()) return complain(kUsage, why);
  auto signer = read_key(duty.key);
  if (!signer) return complain(kConfiguration, signer.error().detail);
  if (const auto made = auditlog::system_files().make_directory(duty.state); !made)
    return complain(kConfiguration, made.error().detail);
  const witness::Witness judge(auditlog::system_files(), duty.state, std::move(*signer), std::move(duty.logs));
  if (words[0] != "serve") return answer_one(judge, words[0] == "add-key");
  const auto served = witness::serve(judge, duty.listen, [](const std::string& address) {
    std::printf("listening on %s\n", address.c_str());
    std::fflush(stdout);
  });
  return served ? 0 : complain(kConfiguration, served.error().detail);
}

}  // namespace

int main(int count, char** values) {
  const std::vector<std::string> words(values + 1, values + count);
  if (words.size() == 1 && (words[0] == "--help" || words[0] == "help")) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  if (words.size() == 3 && words[0] == "keygen") return keygen(words[1], words[2]);
  if (!words.empty() && (words[0] == "serve" || words[0] == "add-checkpoint" || words[0] == "add-key"))
    return judge(words);
  return complain(kUsage, "see bartizan-witness --help");
}
