#include "witness.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>

#include "bartizan/base/log.hpp"
#include "bartizan/crypto/base64.hpp"
#include "bartizan/crypto/hash.hpp"

namespace bartizan::witness {
namespace {

constexpr std::size_t kMaxProofLines = 63;

std::string_view take_line(std::string_view& text, bool& there) {
  const auto end = text.find('\n');
  there = end != std::string_view::npos;
  const auto line = text.substr(0, end);
  text.remove_prefix(there ? end + 1 : text.size());
  return line;
}

/// A witness is given the key of one tree, `<origin>/system`; keys are introduced for the whole log.
std::string log_origin(const audit::NoteVerifier& tree_key) {
  return tree_key.name().substr(0, std::min(tree_key.name().rfind('/'), tree_key.name().size()));
}

tl::unexpected<Error> malformed() { return fail(Errc::Malformed, "not an add-checkpoint request"); }

}  // namespace

Witness::Witness(auditlog::FileLayer& files, std::string directory, audit::NoteSigner signer,
                 std::vector<audit::NoteVerifier> logs)
    : files_(files), directory_(std::move(directory)), signer_(std::move(signer)), logs_(std::move(logs)) {
  BZ_ASSERT(signer_.verifier().type() == audit::KeyType::Cosignature);
}

Result<Witness::Request> Witness::parse(std::string_view body) {
  Request out;
  bool there = false;
  const auto first = take_line(body, there);
  if (!there || !first.starts_with("old ")) return malformed();
  const auto digits = first.substr(4);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.old_size);
  if (error != std::errc{} || end != digits.data() + digits.size() || std::to_string(out.old_size) != digits)
    return malformed();
  for (;;) {
    const auto line = take_line(body, there);
    if (!there) return malformed();
    if (line.empty()) break;
    const auto bytes = crypto::base64_decode(line, crypto::kSha256Size);
    if (!bytes || bytes->size() != crypto::kSha256Size || out.proof.size() == kMaxProofLines) return malformed();
    std::copy(bytes->begin(), bytes->end(), out.proof.emplace_back().begin());
  }
  BZ_TRY(out.note, audit::parse_note(body));
  BZ_TRY(out.checkpoint, audit::parse_checkpoint(out.note.text));
  out.text = std::string(body);
  return out;
}

std::string Witness::file_of(const std::string& origin) const {
  return directory_ + "/" + hex_encode(crypto::sha256(as_bytes(origin))) + ".checkpoint";
}

std::string Witness::keys_prefix(const audit::NoteVerifier& log) const {
  return hex_encode(crypto::sha256(as_bytes(log.name()))) + ".key-";
}

Result<std::vector<std::string>> Witness::introductions(const audit::NoteVerifier& log) const {
  BZ_TRY(const auto names, files_.list(directory_));
  std::map<std::uint64_t, std::string> found;
  for (const auto& name : names) {
    if (!name.starts_with(keys_prefix(log)) || name.ends_with(".new")) continue;
    BZ_TRY(auto file, files_.open(directory_ + "/" + name, auditlog::OpenMode::Read));
    Bytes bytes(audit::kMaxNoteBytes);
    BZ_TRY(const std::size_t size, file->read_at(0, bytes));
    const auto number = std::strtoull(name.c_str() + keys_prefix(log).size(), nullptr, 10);
    found.emplace(number, std::string(as_chars(ByteView(bytes).first(size))));
  }
  std::vector<std::string> out;
  for (auto& [number, note] : found) out.push_back(std::move(note));
  return out;
}

Result<std::vector<audit::NoteVerifier>> Witness::keys_of(const audit::NoteVerifier& log) const {
  std::vector<audit::NoteVerifier> out = {log};
  BZ_TRY(const auto notes, introductions(log));
  if (notes.empty()) return out;
  BZ_TRY(const auto chain, audit::KeyChain::read(notes, log_origin(log)));
  // Whoever gave this program another key meanwhile means that one.
  if (!chain.holds(log)) return out;
  out.clear();
  for (const auto& key : chain.keys()) out.push_back(key.named(log.name()));
  return out;
}

/// The largest checkpoint that was cosigned, that of the empty tree when there is none. What is
/// remembered carries the log's signature, so a file that somebody changed is noticed.
Result<audit::Checkpoint> Witness::last(const audit::NoteVerifier& log,
                                        const std::vector<audit::NoteVerifier>& keys) const {
  auto file = files_.open(file_of(log.name()), auditlog::OpenMode::Read);
  if (!file && file.error().code == Errc::NotFound) return audit::Checkpoint{log.name(), 0, audit::empty_root()};
  if (!file) return tl::unexpected(file.error());
  Bytes bytes(audit::kMaxNoteBytes);
  BZ_TRY(const std::size_t size, (*file)->read_at(0, bytes));
  auto opened = audit::open_checkpoint(as_chars(ByteView(bytes).first(size)), keys.back());
  for (auto key = keys.rbegin(); !opened && key != keys.rend(); ++key)
    opened = audit::open_checkpoint(as_chars(ByteView(bytes).first(size)), *key);
  return opened;
}

Result<void> Witness::remember(const std::string& path, std::string_view text) const {
  {
    BZ_TRY(auto file, files_.open(path + ".new", auditlog::OpenMode::Replace));
    BZ_CHECK(file->write_at(0, as_bytes(text)));
    BZ_CHECK(file->sync());
  }
  BZ_CHECK(files_.rename(path + ".new", path));
  return files_.sync_directory(directory_);
}

Response Witness::add_key(std::string_view body) const {
  const auto note = audit::parse_note(body);
  if (!note) return {400, "malformed request\n"};
  std::string_view rest = note->text;
  bool there = false;
  take_line(rest, there);
  const std::string origin(take_line(rest, there));
  const auto log = std::find_if(logs_.begin(), logs_.end(),
                                [&](const audit::NoteVerifier& key) { return log_origin(key) == origin; });
  if (origin.empty() || log == logs_.end()) return {404, "unknown log\n"};
  const auto introduction = audit::open_introduction(body, origin);
  if (!introduction) return {403, "not signed by the key before and the one it introduces\n"};
  const auto held = files_.lock(directory_ + "/lock");
  if (!held) return {503, "busy\n"};
  auto notes = introductions(*log);
  if (!notes) return {500, "the witness's own record can't be read\n"};
  if (std::find(notes->begin(), notes->end(), body) != notes->end()) return {200, ""};
  notes->emplace_back(body);
  const auto chain = audit::KeyChain::read(*notes, origin);
  if (!chain || !chain->holds(*log)) {
    BZ_LOG(Error, "witness.key_refused", {"number", introduction->number});
    return {409, "it does not go on from the newest key of this log\n"};
  }
  const auto kept = remember(directory_ + "/" + keys_prefix(*log) + std::to_string(introduction->number), body);
  if (!kept) return {500, "the key could not be remembered\n"};
  BZ_LOG(Info, "witness.key_followed", {"number", introduction->number});
  return {200, ""};
}

Response Witness::add_checkpoint(std::string_view body, WallTime now) const {
  const auto request = parse(body);
  if (!request) return {400, "malformed request\n"};
  const auto& checkpoint = request->checkpoint;
  const auto log = std::find_if(logs_.begin(), logs_.end(),
                                [&](const audit::NoteVerifier& key) { return key.name() == checkpoint.origin; });
  if (log == logs_.end()) return {404, "unknown log\n"};
  if (request->old_size > checkpoint.size) return {400, "the old size is beyond the checkpoint\n"};
  const auto held = files_.lock(directory_ + "/lock");
  if (!held) return {503, "busy\n"};
  const auto keys = keys_of(*log);
  if (!keys) return {500, "the witness's own record can't be read\n"};
  if (!audit::signed_by(request->note, keys->back())) return {403, "not signed by the log\n"};
  const auto before = last(*log, *keys);
  if (!before) {
    BZ_LOG(Error, "witness.state_unreadable", {"reason", before.error().detail});
    return {500, "the witness's own record can't be read\n"};
  }
  if (before->size != request->old_size) return {409, std::to_string(before->size) + "\n"};
  if (before->size == checkpoint.size && before->root != checkpoint.root) {
    BZ_LOG(Error, "witness.fork", {"size", checkpoint.size});
    return {409, std::to_string(before->size) + "\n"};
  }
  if (!audit::verify_consistency(before->size, before->root, checkpoint.size, checkpoint.root, request->proof)) {
    BZ_LOG(Error, "witness.inconsistent", {"old", before->size}, {"new", checkpoint.size});
    return {422, "the checkpoint did not grow from the last one\n"};
  }
  if (const auto done = remember(file_of(checkpoint.origin), request->text); !done) {
    BZ_LOG(Error, "witness.write_failed", {"reason", done.error().detail});
    return {500, "the checkpoint could not be remembered\n"};
  }
  return {200, signer_.sign(request->note.text, now)};
}

}  // namespace bartizan::witness
