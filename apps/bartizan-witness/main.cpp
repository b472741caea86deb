// bartizan-witness: one add-checkpoint call a run, request on stdin, answer on stdout, status on
// stderr; a server's CGI or a forced command over ssh carries it. Making keys is the other verb.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

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
    "  bartizan-witness add-checkpoint --key FILE --state DIRECTORY --log KEY [--log KEY ...]\n"
    "                                                a C2SP tlog-witness request on stdin, the answer on stdout\n"
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

int add_checkpoint(const std::vector<std::string>& words) {
  std::string key;
  std::string state;
  std::vector<audit::NoteVerifier> logs;
  for (std::size_t i = 1; i + 1 < words.size(); i += 2) {
    if (words[i] == "--key") {
      key = words[i + 1];
    } else if (words[i] == "--state") {
      state = words[i + 1];
    } else if (words[i] == "--log") {
      auto log = audit::NoteVerifier::parse(words[i + 1]);
      if (!log || log->type() != audit::KeyType::Ed25519) return complain(kUsage, "--log is not a log's public key");
      logs.push_back(std::move(*log));
    } else {
      return complain(kUsage, "there is no " + words[i]);
    }
  }
  if (words.size() % 2 == 0 || key.empty() || state.empty() || logs.empty())
    return complain(kUsage, "add-checkpoint needs --key, --state and --log (see bartizan-witness --help)");
  auto signer = read_key(key);
  if (!signer) return complain(kConfiguration, signer.error().detail);
  if (const auto made = auditlog::system_files().make_directory(state); !made)
    return complain(kConfiguration, made.error().detail);
  std::string body(kMaxRequest + 1, '\0');
  std::cin.read(body.data(), static_cast<std::streamsize>(body.size()));
  body.resize(static_cast<std::size_t>(std::cin.gcount()));
  if (body.size() > kMaxRequest) return complain(kRefused, "413");
  const witness::Witness judge(auditlog::system_files(), state, std::move(*signer), std::move(logs));
  const auto response = judge.add_checkpoint(body, system_clock().wall());
  std::fwrite(response.body.data(), 1, response.body.size(), stdout);
  std::fprintf(stderr, "%u\n", response.status);
  return response.status == 200 ? 0 : kRefused;
}

}  // namespace

int main(int count, char** values) {
  const std::vector<std::string> words(values + 1, values + count);
  if (words.size() == 1 && (words[0] == "--help" || words[0] == "help")) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  if (words.size() == 3 && words[0] == "keygen") return keygen(words[1], words[2]);
  if (!words.empty() && words[0] == "add-checkpoint") return add_checkpoint(words);
  return complain(kUsage, "see bartizan-witness --help");
}
