#include "audit_trail.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <sstream>

#include "bartizan/audit/note.hpp"
#include "bartizan/base/log.hpp"
#include "files.hpp"

namespace bartizan::app {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "bartizan";
  const std::string host(name.data());
  return audit::is_key_name(host) && host.size() <= 128 ? host : "bartizan";
}

struct OpenedKey {
  audit::NoteSigner signer;
  bool made = false;
};

Result<audit::NoteSigner> read_key(const std::filesystem::path& file, const SecretBytes& content) {
  struct stat info{};
  if (::stat(file.c_str(), &info) == 0 && (info.st_mode & 077) != 0)
    return fail(Errc::PermissionDenied, file.string() + " is open to others: its mode must be 0600");
  auto text = content.reveal_chars();
  while (text.ends_with('\n')) text.remove_suffix(1);
  auto signer = audit::NoteSigner::parse(text);
  if (!signer) return fail(signer.error().code, file.string() + ": " + signer.error().detail);
  return signer;
}

/// The key in the file, or a new one where there has been no log yet.
Result<OpenedKey> open_key(const config::AuditOptions& options) {
  const auto& file = options.key_file;
  const auto content = read_file(file);
  if (content) {
    BZ_TRY(auto signer, read_key(file, *content));
    if (!options.origin.empty() && signer.verifier().name() != options.origin)
      return fail(Errc::FailedPrecondition, fmt::format("audit.origin is {}, but the log of {} was begun as {}",
                                                        options.origin, file.string(), signer.verifier().name()));
    return OpenedKey{std::move(signer), false};
  }
  if (content.error().code != Errc::NotFound) return tl::unexpected(content.error());
  std::error_code error;
  if (std::filesystem::exists(options.directory / "state", error) || error)
    return fail(Errc::NotFound, fmt::format("{} is missing, though {} holds a log that it signs: put it back",
                                            file.string(), options.directory.string()));
  const std::string origin = options.origin.empty() ? host_name() : options.origin;
  BZ_TRY(auto signer, audit::NoteSigner::generate(audit::KeyType::Ed25519, origin, system_random()));
  BZ_CHECK(make_folder(file.parent_path(), 0700));
  BZ_CHECK(write_file(file, signer.to_text().reveal(), 0600));
  return OpenedKey{std::move(signer), true};
}

/// For those who verify: it needs no secrecy, and whoever can change it can change the log as well.
Result<void> write_public_key(const std::filesystem::path& file, const audit::NoteVerifier& verifier) {
  const std::string text = verifier.to_string() + "\n";
  const auto present = read_file(file);
  if (present && present->reveal_chars() == text) return {};
  return write_file(file, text, 0644);
}

/// Between spaces.
std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

control::Document number(std::uint64_t value) { return control::Document(static_cast<std::int64_t>(value)); }

}  // namespace

Result<std::unique_ptr<AuditTrail>> AuditTrail::open(const config::AuditOptions& options,
                                                     const config::ShippingOptions& shipping) {
  std::unique_ptr<AuditTrail> trail(new AuditTrail);
  trail->directory_ = options.directory.string();
  BZ_CHECK(options.mode == config::AuditMode::Tree ? trail->open_tree(options) : trail->open_basic(options));
  if (!trail->tree_) return trail;
  if (options.seal) BZ_CHECK(trail->open_slots(options));
  BZ_TRY(trail->shipping_,
         AuditShipping::open(shipping, {trail->directory_, trail->origin_, trail->tree_->verifier()}));
  if (!trail->shipping_->empty()) trail->remark_ += "; shipped to " + trail->shipping_->names();
  return trail;
}

/// The keys of sealed values, under a key of their own: made at the first need, never anew over what it wraps.
Result<void> AuditTrail::open_slots(const config::AuditOptions& options) {
  const auto& file = options.seal_key_file;
  const std::string folder = directory_ + "/slots";
  auto content = read_file(file);
  if (!content && content.error().code == Errc::NotFound) {
    std::error_code error;
    if (std::filesystem::exists(folder, error) || error)
      return fail(Errc::NotFound,
                  fmt::format("{} is missing, though {} holds what it wraps: put it back", file.string(), folder));
    BZ_CHECK(make_folder(file.parent_path(), 0700));
    BZ_CHECK(write_file(file, crypto::SealingKey::generate(system_random()).bytes().reveal(), 0600));
    content = read_file(file);
  }
  if (!content) return tl::unexpected(content.error());
  struct stat info{};
  if (::stat(file.c_str(), &info) == 0 && (info.st_mode & 077) != 0)
    return fail(Errc::PermissionDenied, file.string() + " is open to others: its mode must be 0600");
  auto key = crypto::SealingKey::from_bytes(std::move(*content));
  if (!key) return fail(key.error().code, file.string() + " is no key: it has 32 bytes");
  BZ_TRY(slots_, auditlog::SlotStore::open(folder, std::move(*key)));
  remark_ += "; addresses are sealed";
  return {};
}

Result<void> AuditTrail::open_basic(const config::AuditOptions& options) {
  auditlog::BasicLogOptions basic;
  basic.directory = options.directory;
  basic.flush = options.flush;
  basic.max_file_bytes = options.max_file_bytes.bytes;
  BZ_TRY(basic_, auditlog::BasicLog::open(std::move(basic)));
  remark_ = "basic: it proves nothing";
  return {};
}

Result<void> AuditTrail::open_tree(const config::AuditOptions& options) {
  BZ_TRY(auto key, open_key(options));
  const auditlog::KeyPlaces places{directory_, options.key_file.string()};
  BZ_TRY(auto settled, AuditKeys::settle(places, std::move(key.signer)));
  const auto& signer = settled.keys.current;
  auto public_file = options.key_file;
  public_file += ".pub";
  BZ_CHECK(write_public_key(public_file, signer.verifier()));
  origin_ = signer.verifier().name();
  keys_ = std::make_unique<AuditKeys>(places, settled.keys);
  signer_ = signer.named(origin_);
  auditlog::TreeLogOptions tree;
  tree.directory = directory_;
  tree.origin = origin_;
  tree.checkpoint_every = options.checkpoint_every;
  tree.free_floor_bytes = options.free_floor_bytes.bytes;
  tree.segment_bytes = options.segment_bytes.bytes;
  BZ_TRY(tree_, auditlog::TreeLog::open(std::move(tree), std::move(settled.keys)));
  auditlog::CountedLogOptions counts;
  counts.directory = directory_;
  counts.every = options.count_every;
  counted_ = auditlog::CountedLog::open(std::move(counts), *tree_, tree_->figures().next_ticket);
  break_glass_ = std::make_unique<auditlog::BreakGlass>(*tree_, *counted_);
  auditlog::AuditIndexOptions index;
  index.directory = directory_;
  index.origin = origin_;
  index.free_floor_bytes = 2 * options.free_floor_bytes.bytes;
  index_ = auditlog::AuditIndex::start(std::move(index), tree_->verifier(), auditlog::system_files());
  auditlog::BundleCompressorOptions compression;
  compression.directory = directory_;
  compression.origin = origin_;
  compression.every = options.compress_every;
  compression.free_floor_bytes = options.free_floor_bytes.bytes;
  compressor_ = auditlog::BundleCompressor::start(std::move(compression), tree_->verifier(), auditlog::system_files());
  source_.emplace(control::AuditSource{directory_,
                                       origin_,
                                       tree_->verifier(),
                                       *counted_,
                                       options.witness_key,
                                       &*signer_,
                                       index_.get(),
                                       compressor_.get(),
                                       {}});
  source_->rotate_key = [this](const std::string& actor, std::chrono::seconds grace) {
    return keys_->rotate(*tree_, *counted_, actor, grace);
  };
  if (settled.finished) BZ_CHECK(keys_->record(*counted_, "bartizan"));
  BZ_CHECK(open_witnesses(options));
  const auto figures = tree_->figures();
  BZ_LOG(Info, "audit.opened", {"directory", directory_}, {"origin", origin_}, {"trees", figures.trees},
         {"backlog_bytes", figures.backlog_bytes}, {"recovered_unknown", figures.recovered_unknown});
  remark_ = fmt::format("provable, as {}", origin_);
  if (options.reads == config::AuditReads::Async) remark_ += "; results of reads don't wait for it";
  if (key.made) remark_ += fmt::format("; made its key {}", options.key_file.string());
  if (figures.recovered_unknown > 0)
    remark_ += fmt::format("; {} statements of before have no known outcome", figures.recovered_unknown);
  return {};
}

Result<void> AuditTrail::open_witnesses(const config::AuditOptions& options) {
  const auto urls = words_of(options.witness);
  const auto keys = words_of(options.witness_key);
  if (urls.size() != keys.size())
    return fail(Errc::InvalidArgument, "audit.witness and audit.witness_key name as many witnesses, in the same order");
  for (std::size_t i = 0; i < urls.size(); ++i) {
    BZ_TRY(auto channel, auditlog::http_witness(urls[i]));
    auto key = audit::NoteVerifier::parse(keys[i]);
    if (!key || key->type() != audit::KeyType::Cosignature)
      return fail(Errc::InvalidArgument, "audit.witness_key is not a witness's public key");
    auditlog::WitnessOptions witness;
    witness.directory = directory_;
    witness.origin = origin_;
    witness.every = options.witness_every;
    if (i > 0) witness.file += "." + std::to_string(i + 1);
    witnesses_.push_back(auditlog::WitnessKeeper::start(std::move(witness), tree_->verifier(), std::move(*key),
                                                        std::move(channel), auditlog::system_files(), system_clock()));
  }
  return {};
}

control::Items AuditTrail::witness_status() const {
  control::Items out;
  for (const auto& witness : witnesses_) {
    const auto figures = witness->figures();
    control::Document age;
    if (figures.cosigned_at)
      age = static_cast<std::int64_t>(
          std::chrono::duration_cast<std::chrono::seconds>(system_clock().wall() - *figures.cosigned_at).count());
    out.push_back(
        control::Members{{"name", figures.name},
                         {"cosigned_at", control::time_or_null(figures.cosigned_at)},
                         {"age_seconds", age},
                         {"entries", number(figures.size)},
                         {"alarm", figures.alarm.empty() ? control::Document() : control::Document(figures.alarm)},
                         {"error", figures.error.empty() ? control::Document() : control::Document(figures.error)}});
  }
  return out;
}

/// What a record takes on disk; null before any was compressed.
control::Document AuditTrail::storage_status() const {
  const auto figures = compressor_->figures();
  if (figures.records == 0) return {};
  return control::Members{{"compressed_records", number(figures.records)},
                          {"bytes_per_record_before", number(figures.plain_bytes / figures.records)},
                          {"bytes_per_record", number(figures.stored_bytes / figures.records)},
                          {"hash_bytes_per_record", number(crypto::kSha256Size)}};
}

bool AuditTrail::healthy() const {
  if (!tree_) return basic_->figures().healthy;
  return tree_->figures().healthy && !break_glass_->broken();
}

std::string AuditTrail::summary() const {
  if (!tree_) return fmt::format("basic, {} records", basic_->figures().records);
  const auto figures = tree_->figures();
  const bool alarm = !witness_says().value_or("").empty();
  if (const auto broken = break_glass_->broken())
    return fmt::format("BREAK-GLASS until {} by {} ({}): statements go on without their record{}",
                       control::format_time(broken->until), broken->actor, broken->reason,
                       figures.healthy ? ", as soon as the log can't be written" : "");
  return fmt::format("provable, {} records{}{}", figures.intents,
                     figures.publishing ? "" : ", but no checkpoint can be written",
                     alarm ? ", but THE WITNESS KNOWS ANOTHER LOG (status --json says more)" : "");
}

std::optional<std::string> AuditTrail::witness_says() const {
  if (witnesses_.empty()) return std::nullopt;
  std::string said;
  for (const auto& witness : witnesses_)
    if (const auto figures = witness->figures(); !figures.alarm.empty())
      said += (said.empty() ? "" : "; ") + figures.name + ": " + figures.alarm;
  return said;
}

control::Members AuditTrail::status() const {
  using control::Members;
  if (!tree_) {
    const auto figures = basic_->figures();
    return Members{{"kind", "basic"},
                   {"healthy", figures.healthy},
                   {"directory", directory_},
                   {"records", number(figures.records)},
                   {"refused", number(figures.refused)}};
  }
  const auto witnesses = witness_status();
  const auto figures = tree_->figures();
  control::Document glass;
  if (const auto broken = break_glass_->broken())
    glass = Members{{"actor", broken->actor},
                    {"reason", broken->reason},
                    {"since", control::format_time(broken->since)},
                    {"until", control::format_time(broken->until)}};
  return Members{{"kind", "tree"},
                 {"healthy", figures.healthy},
                 {"break_glass", std::move(glass)},
                 {"directory", directory_},
                 {"records", number(figures.intents)},
                 {"refused", number(figures.refused)},
                 {"origin", origin_},
                 {"public_key", keys_->public_key()},
                 {"publishing", figures.publishing},
                 {"trees", number(figures.trees)},
                 {"indexed", number(index_->figures().leaves)},
                 {"storage", storage_status()},
                 {"witness", witnesses.empty() ? control::Document() : witnesses.front()},
                 {"witnesses", witnesses},
                 {"backlog_bytes", number(figures.backlog_bytes)},
                 {"counted_through", number(counted_->figures().told)},
                 {"counting", counted_->figures().healthy},
                 {"recovered_unknown", number(figures.recovered_unknown)},
                 {"seals_addresses", slots_ != nullptr},
                 {"shipping", shipping_->status()}};
}

void AuditTrail::add_metrics(api::Exposition& page) const {
  const auto number = [](auto value) { return static_cast<double>(value); };
  if (!tree_) {
    const auto figures = basic_->figures();
    page.gauge("bartizan_audit_healthy", "1 while the audit log can be written.", figures.healthy ? 1 : 0);
    page.counter("bartizan_audit_records_total", "Audit intents taken.", number(figures.records));
    page.counter("bartizan_audit_refused_total", "Audit intents that could not be taken.", number(figures.refused));
    page.counter("bartizan_audit_bytes_total", "Bytes made durable in the audit log.", number(figures.bytes));
    return;
  }
  const auto figures = tree_->figures();
  page.gauge("bartizan_audit_healthy", "1 while the audit log can be written.", figures.healthy ? 1 : 0);
  page.counter("bartizan_audit_records_total", "Audit intents taken.", number(figures.intents));
  page.counter("bartizan_audit_refused_total", "Audit intents that could not be taken.", number(figures.refused));
  page.counter("bartizan_audit_bytes_total", "Bytes made durable in the audit log.", number(figures.journal_bytes));
  page.gauge("bartizan_audit_break_glass", "1 while statements may go on without their record.",
             break_glass_->broken() ? 1 : 0);
  page.counter("bartizan_audit_break_glass_total", "How often the glass was broken.", number(break_glass_->times()));
  page.gauge("bartizan_audit_unwritten_intents", "Taken, and not durable.",
             number(figures.next_ticket - 1 - tree_->durable_through().get()));
  page.counter("bartizan_audit_flushes_total", "Groups of records made durable together.", number(figures.flushes));
  page.gauge("bartizan_audit_last_flush_seconds", "How long the newest of them took.",
             number(figures.last_flush.count()) / 1e6);
  page.counter("bartizan_audit_leaves_total", "Records that became leaves of a tree.", number(figures.leaves));
  page.gauge("bartizan_audit_trees", "Trees of the log: one a tenant and the system's.", number(figures.trees));
  page.gauge("bartizan_audit_backlog_bytes", "Durable, and not yet below a signed checkpoint.",
             number(figures.backlog_bytes));
  page.gauge("bartizan_audit_counting", "0 while the hour's counts of records can't be written.",
             counted_->figures().healthy ? 1 : 0);
  page.gauge("bartizan_audit_publishing", "1 while checkpoints can be written.", figures.publishing ? 1 : 0);
  const auto indexed = index_->figures();
  page.gauge("bartizan_audit_indexed_leaves", "Records and checkpoints that searches find by the index.",
             number(indexed.leaves));
  page.gauge("bartizan_audit_index_healthy", "1 while the index can be written.", indexed.healthy ? 1 : 0);
  const auto compressed = compressor_->figures();
  page.counter("bartizan_audit_compressed_records_total", "Records in compressed bundles, since the log began.",
               number(compressed.records));
  page.counter("bartizan_audit_compressed_plain_bytes_total", "Their bytes before.", number(compressed.plain_bytes));
  page.counter("bartizan_audit_compressed_bytes_total", "Their bytes on disk.", number(compressed.stored_bytes));
  if (!witnesses_.empty()) {
    auto oldest = WallTime::max();
    for (const auto& witness : witnesses_)
      oldest = std::min(oldest, witness->figures().cosigned_at.value_or(WallTime{}));
    page.gauge("bartizan_audit_witness_alarm", "1 while a witness knows another log, or more of it.",
               witness_says().value_or("").empty() ? 0 : 1);
    page.gauge("bartizan_audit_witness_cosigned_seconds",
               "When each witness had last cosigned, in seconds since 1970: of the one that is furthest behind.",
               number(oldest.time_since_epoch().count()) / 1e6);
  }
  page.gauge("bartizan_audit_recovered_unknown", "Statements whose outcome the last end of the program has cost.",
             number(figures.recovered_unknown));
  shipping_->add_metrics(page);
}

}  // namespace bartizan::app
