#include "bartizan/auditlog/log_keys.hpp"

#include <algorithm>
#include <optional>

#include "whole_file.hpp"

namespace bartizan::auditlog {
namespace {

constexpr std::uint64_t kMaxKeyFile = 1024;
constexpr std::string_view kNew = ".new";
constexpr std::string_view kBefore = ".before";

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }
std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

/// nullopt where there is none. Half of one is none: its name is durable only after its text.
Result<std::optional<audit::NoteSigner>> read_signer(FileLayer& files, const std::string& path) {
  auto bytes = read_whole(files, path, kMaxKeyFile);
  if (!bytes && bytes.error().code == Errc::NotFound) return std::optional<audit::NoteSigner>();
  if (!bytes) return tl::unexpected(bytes.error());
  auto text = as_chars(*bytes);
  while (text.ends_with('\n')) text.remove_suffix(1);
  auto signer = audit::NoteSigner::parse(text);
  secure_wipe(bytes->data(), bytes->size());
  return signer ? std::optional(std::move(*signer)) : std::nullopt;
}

bool same(const audit::NoteVerifier& a, const audit::NoteVerifier& b) {
  return a.named("same").to_string() == b.named("same").to_string();
}

Result<void> remove_durably(FileLayer& files, const std::string& path) {
  BZ_CHECK(files.remove(path));
  return files.sync_directory(folder_of(path));
}

Result<bool> is_there(FileLayer& files, const std::string& path) {
  const auto file = files.open(path, OpenMode::Read);
  if (!file && file.error().code != Errc::NotFound) return tl::unexpected(file.error());
  return file.has_value();
}

/// The new key is introduced: it takes the place of the one that signed before, which is kept beside it.
Result<void> put_in_place(FileLayer& files, const KeyPlaces& places, const audit::NoteSigner& before) {
  const std::string folder = folder_of(places.key_file);
  BZ_CHECK(replace_whole(files, folder, name_of(places.key_file) + std::string(kBefore), before.to_text().reveal()));
  BZ_CHECK(files.rename(places.key_file + std::string(kNew), places.key_file));
  return files.sync_directory(folder);
}

}  // namespace

LogKeys LogKeys::named(const std::string& name) const {
  LogKeys out{current.named(name), {}, {}};
  for (const auto& signer : along) out.along.push_back(signer.named(name));
  for (const auto& verifier : replaced) out.replaced.push_back(verifier.named(name));
  return out;
}

Result<std::vector<std::string>> read_introductions(FileLayer& files, const std::string& directory) {
  std::vector<std::string> out;
  for (std::uint64_t number = audit::kFirstIntroduced;; ++number) {
    const auto note = read_whole(files, directory + "/keys/" + std::to_string(number), audit::kMaxNoteBytes);
    if (!note && note.error().code == Errc::NotFound) return out;
    if (!note) return tl::unexpected(note.error());
    out.emplace_back(as_chars(*note));
  }
}

Result<SettledKeys> settle_keys(FileLayer& files, const KeyPlaces& places, audit::NoteSigner current, WallTime now) {
  const std::string made = places.key_file + std::string(kNew);
  const std::string kept = places.key_file + std::string(kBefore);
  BZ_TRY(const auto notes, read_introductions(files, places.directory));
  BZ_TRY(const auto chain, audit::KeyChain::read(notes, current.verifier().name()));
  SettledKeys out{{std::move(current), {}, {}}, false};
  if (!chain.empty() && !same(chain.last().after, out.keys.current.verifier())) {
    BZ_TRY(auto introduced, read_signer(files, made));
    if (!introduced || !same(introduced->verifier(), chain.last().after) ||
        !same(chain.last().before, out.keys.current.verifier()))
      return fail(Errc::FailedPrecondition, places.key_file + " is not the newest key of the log, which " +
                                                places.directory + "/keys leads to: put that back");
    BZ_CHECK(put_in_place(files, places, out.keys.current));
    out.keys.current = std::move(*introduced);
    out.finished = true;
  }
  BZ_TRY(const bool left, is_there(files, made));
  if (left) BZ_CHECK(remove_durably(files, made));
  if (!chain.empty()) out.keys.replaced = chain.keys();
  if (!chain.empty()) out.keys.replaced.pop_back();
  BZ_TRY(auto before, read_signer(files, kept));
  if (before && !chain.empty() && now < chain.last().until && same(before->verifier(), chain.last().before)) {
    out.keys.along.push_back(std::move(*before));
    return out;
  }
  BZ_TRY(const bool over, is_there(files, kept));
  if (over) BZ_CHECK(remove_durably(files, kept));
  return out;
}

Result<audit::KeyIntroduction> rotate_key(FileLayer& files, const KeyPlaces& places, const audit::NoteSigner& current,
                                          Random& random, WallTime now, std::chrono::seconds grace) {
  const std::string origin = current.verifier().name();
  const std::string folder = places.directory + "/keys";
  BZ_TRY(const auto notes, read_introductions(files, places.directory));
  BZ_TRY(const auto chain, audit::KeyChain::read(notes, origin));
  if (!chain.empty() && !same(chain.last().after, current.verifier()))
    return fail(Errc::FailedPrecondition, "the key was rotated elsewhere");
  const std::uint64_t number = chain.empty() ? audit::kFirstIntroduced : chain.last().number + 1;
  BZ_TRY(const auto next, audit::NoteSigner::generate(audit::KeyType::Ed25519, origin, random));
  // First the key, then the word for it: an introduced key that nobody has would be the end of the log.
  BZ_CHECK(write_whole(files, places.key_file + std::string(kNew), next.to_text().reveal()));
  BZ_CHECK(files.sync_directory(folder_of(places.key_file)));
  BZ_CHECK(files.make_directory(folder));
  const auto note = audit::introduce_key(number, current, next, now, now + grace);
  BZ_CHECK(replace_whole(files, folder, std::to_string(number), as_bytes(note)));
  BZ_CHECK(put_in_place(files, places, current));
  return audit::open_introduction(note, origin);
}

}  // namespace bartizan::auditlog
