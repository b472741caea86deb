#include "bartizan/auditlog/witness_keeper.hpp"

#include <algorithm>
#include <charconv>

#include "bartizan/auditlog/log_keys.hpp"
#include "bartizan/auditlog/tree_reader.hpp"
#include "bartizan/base/log.hpp"
#include "bartizan/crypto/base64.hpp"
#include "whole_file.hpp"

namespace bartizan::auditlog {
namespace {

constexpr int kTries = 3;  ///< of one round: the witness may have come further than we know

std::string request_of(std::uint64_t old_size, const audit::Proof& proof, const std::string& note) {
  std::string out = "old " + std::to_string(old_size) + "\n";
  for (const auto& hash : proof) out.append(crypto::base64_encode(hash)).append("\n");
  return out.append("\n").append(note);
}

std::optional<std::uint64_t> size_in(std::string_view body) {
  while (body.ends_with('\n')) body.remove_suffix(1);
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(body.data(), body.data() + body.size(), size);
  if (error != std::errc{} || end != body.data() + body.size()) return std::nullopt;
  return size;
}

const audit::NoteSignature* cosignature_in(const audit::Note& note, const audit::NoteVerifier& witness) {
  const auto found = std::find_if(note.signatures.begin(), note.signatures.end(), [&](const auto& signature) {
    return signature.name == witness.name() && signature.key_id == witness.id();
  });
  return found == note.signatures.end() ? nullptr : &*found;
}

std::string records(std::uint64_t count) { return std::to_string(count) + " entries"; }

}  // namespace

WitnessKeeper::WitnessKeeper(WitnessOptions options, const audit::NoteVerifier& log, audit::NoteVerifier witness,
                             std::unique_ptr<WitnessChannel> channel, FileLayer& files, const Clock& clock)
    : options_(std::move(options)),
      log_(log.named(options_.origin)),
      witness_(std::move(witness)),
      channel_(std::move(channel)),
      files_(files),
      clock_(clock) {
  figures_.name = witness_.name();
  figures_.error = "not asked yet";
}

std::unique_ptr<WitnessKeeper> WitnessKeeper::start(WitnessOptions options, const audit::NoteVerifier& log,
                                                    audit::NoteVerifier witness,
                                                    std::unique_ptr<WitnessChannel> channel, FileLayer& files,
                                                    const Clock& clock) {
  std::unique_ptr<WitnessKeeper> keeper(
      new WitnessKeeper(std::move(options), log, std::move(witness), std::move(channel), files, clock));
  keeper->load();
  keeper->thread_ = std::thread([raw = keeper.get()] { raw->run(); });
  return keeper;
}

WitnessKeeper::~WitnessKeeper() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

WitnessKeeper::Figures WitnessKeeper::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

std::string WitnessKeeper::folder() const { return options_.directory + "/tree/" + std::string(kSystemTree); }

/// What it signed before this start. A file that is not that, of this key and this log, counts for nothing.
void WitnessKeeper::load() {
  const auto bytes = read_whole(files_, folder() + "/" + options_.file, audit::kMaxNoteBytes);
  if (!bytes) return;
  const auto note = audit::parse_note(as_chars(*bytes));
  const auto system = log_.named(options_.origin + "/" + std::string(kSystemTree));
  const auto checkpoint = audit::open_checkpoint(as_chars(*bytes), system);
  if (!note || !checkpoint || !audit::signed_by(*note, witness_)) return;
  figures_.size = checkpoint->size;
  figures_.cosigned_at = WallTime(std::chrono::seconds(audit::cosignature_time(*cosignature_in(*note, witness_))));
}

void WitnessKeeper::run() {
  for (;;) {
    const bool done = ask();
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, done ? options_.every : std::min(options_.every, options_.retry_every),
                   [this] { return stopping_; });
    if (stopping_) return;
  }
}

void WitnessKeeper::alarm(std::string what) {
  const std::lock_guard lock(mutex_);
  if (figures_.alarm != what) BZ_LOG(Error, "audit.witness_alarm", {"witness", witness_.name()}, {"reason", what});
  figures_.alarm = std::move(what);
  figures_.error = "the witness does not cosign this log";
}

void WitnessKeeper::failed(std::string why) {
  const std::lock_guard lock(mutex_);
  if (figures_.error != why) BZ_LOG(Warn, "audit.witness_failed", {"witness", witness_.name()}, {"reason", why});
  figures_.error = std::move(why);
}

/// Once each; whether it follows shows in its cosignatures.
void WitnessKeeper::tell_keys() {
  const auto notes = read_introductions(files_, options_.directory);
  if (!notes) return failed(notes.error().detail);
  for (; keys_told_ < notes->size(); ++keys_told_) {
    const auto reply = channel_->add_key((*notes)[keys_told_]);
    if (!reply || reply->status >= 500) return;
    if (reply->status != 200 && reply->status != 404)
      BZ_LOG(Warn, "audit.witness_key_refused", {"witness", witness_.name()}, {"status", reply->status});
  }
}

bool WitnessKeeper::ask() {
  tell_keys();
  const auto reader = TreeReader::open(options_.directory, options_.origin, std::string(kSystemTree), log_, files_);
  if (!reader && reader.error().code == Errc::NotFound) return failed("there is no checkpoint yet"), false;
  if (!reader) return failed(reader.error().detail), false;
  const auto& here = reader->checkpoint();
  std::uint64_t old_size = figures().size;
  for (int tries = 0; tries < kTries; ++tries) {
    if (old_size > here.size)
      return alarm("the witness has cosigned " + records(old_size) + " of this log, here are only " +
                   records(here.size) + ": its tail from index " + std::to_string(here.size) +
                   " on was dropped, or an older copy put back"),
             true;
    const auto proof = reader->prove_growth(old_size);
    if (!proof) return failed(proof.error().detail), false;
    const auto reply = channel_->add_checkpoint(request_of(old_size, *proof, reader->signed_checkpoint()));
    if (!reply) return failed(reply.error().detail), false;
    if (reply->status == 200) {
      const auto taken = take(here, reader->signed_checkpoint(), reply->body);
      if (!taken) failed(taken.error().detail);
      return taken.has_value();
    }
    const auto known = reply->status == 409 ? size_in(reply->body) : std::nullopt;
    if (reply->status == 422 || (known && *known == old_size))
      return alarm("this log did not grow from the " + records(old_size) +
                   " that the witness has cosigned: it was rewritten or forked before index " +
                   std::to_string(old_size)),
             true;
    if (!known) return failed("the witness answers " + std::to_string(reply->status)), false;
    old_size = *known;
  }
  return failed("the witness keeps changing its mind"), false;
}

Result<void> WitnessKeeper::take(const audit::Checkpoint& checkpoint, const std::string& note,
                                 std::string_view cosignature) {
  const std::string cosigned = note + std::string(cosignature);
  const auto parsed = audit::parse_note(cosigned);
  const auto* signature = parsed ? cosignature_in(*parsed, witness_) : nullptr;
  if (signature == nullptr || !audit::signed_by(*parsed, witness_))
    return fail(Errc::Crypto, "the witness's answer is not its cosignature of what it was asked");
  BZ_CHECK(replace_whole(files_, folder(), options_.file, as_bytes(cosigned)));
  const WallTime at(std::chrono::seconds(audit::cosignature_time(*signature)));
  const std::lock_guard lock(mutex_);
  if (!figures_.alarm.empty()) BZ_LOG(Info, "audit.witness_agrees", {"witness", witness_.name()});
  figures_.alarm.clear();
  figures_.error.clear();
  figures_.size = checkpoint.size;
  figures_.cosigned_at = at;
  return {};
}

}  // namespace bartizan::auditlog
