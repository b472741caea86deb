// Writes a provable log for the scripts beside it, with the server's own code:
//   audit_write_log DIRECTORY RECORDS [KEY [SECONDS]]   adds records of three tenants in rounds, begun at that second;
//                                                       prints both keys. KEY "-": a new one
//   audit_write_log counted DIRECTORY RECORDS KEY [FAULT]  adds records with the gateway's counts of them, which it tells
//                                             after each 500; FAULT: `drop`, `move`, `silent` or `die`, see Faulty
//   audit_write_log rotate DIRECTORY SECRET GRACE   a new key, in DIRECTORY.key, with which the first form then goes on;
//                                             the one before signs along for so many seconds; prints both
//   audit_write_log classes DIRECTORY         adds an example of each event with a class of its own
//   audit_write_log compress DIRECTORY VKEY   compresses full bundles
//   audit_write_log prove DIRECTORY VKEY TREE INDEX OUT   writes OUT.record and OUT.tlog-proof
//   audit_write_log prune DIRECTORY SECRET TREE SECONDS   prunes what began before that second, prints the index
//   audit_write_log growth DIRECTORY VKEY TREE OLDSIZE    prints a consistency proof
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include "bartizan/auditlog/bundle_compressor.hpp"
#include "bartizan/auditlog/counted_log.hpp"
#include "bartizan/auditlog/log_keys.hpp"
#include "bartizan/auditlog/pruning.hpp"
#include "bartizan/auditlog/tree_log.hpp"
#include "bartizan/auditlog/tree_reader.hpp"
#include "bartizan/crypto/base64.hpp"

namespace {

using namespace bartizan;

int failed(const Error& error) {
  std::fprintf(stderr, "%s\n", error.detail.c_str());
  return 1;
}

/// Of what the program emits, and of what it will: consent, backup and drill.
struct Example {
  audit::Event event;
  std::string_view what;
};
constexpr Example kExamples[] = {
    {audit::Event::KeyUse, R"("operation":"key.unwrap","resource_kind":"key","resource_uid":"7","purpose":"data")"},
    {audit::Event::KeyUse, R"("operation":"root.rotate","resource_kind":"root","root":"file:main 2")"},
    {audit::Event::Grant,
     R"("operation":"grant.add","user":"ana","privilege":"app","resource_kind":"depot","resource_name":"demo")"},
    {audit::Event::Grant, R"("operation":"grant.remove","group":"clerks","privilege":"app")"},
    {audit::Event::Grant, R"("operation":"role.assign","group":"clerks","user":"ana")"},
    {audit::Event::Consent,
     R"("operation":"consent.give","user":"olga","privilege":"read","resource_kind":"tenant","resource_name":"acme")"},
    {audit::Event::Consent,
     R"("operation":"consent.withdraw","user":"olga","privilege":"read","resource_kind":"tenant","resource_name":"acme")"},
    {audit::Event::Backup, R"("operation":"backup.create","resource_kind":"depot","resource_name":"demo")"},
    {audit::Event::Drill, R"("operation":"drill.restore","resource_kind":"depot","resource_name":"demo")"},
    {audit::Event::Counts,
     R"("operation":"log.counts","first_ticket":1,"last_ticket":9,"from_s":1,"to_s":2,"intents":9,"ok":9,"failed":0,)"
     R"("refused":0,"not_run":0,"unknown":0,"open":[3,4],"open_more":0)"},
    {audit::Event::Counts,
     R"("operation":"log.counts","first_ticket":10,"last_ticket":11,"from_s":2,"to_s":3,"lost":true)"},
    {audit::Event::BreakGlass, R"("operation":"break-glass.on","reason":"a rehearsal")"},
    {audit::Event::ApiCall, R"("operation":"tenant.create","arguments":{"name":"acme"})"},
    {audit::Event::ConfigChange, R"("operation":"config.create","resource_kind":"tenants","after":{"name":"acme"})"},
    {audit::Event::FunctionCall, R"("function_oid":1299)"},
};

int classes(const std::string& directory) {
  const auto signer = audit::NoteSigner::generate(audit::KeyType::Ed25519, "log.example/test", system_random());
  if (!signer) return failed(signer.error());
  auditlog::TreeLogOptions options;
  options.directory = directory;
  options.origin = "log.example/test";
  auto log = auditlog::TreeLog::open(options, *signer);
  if (!log) return failed(log.error());
  for (const auto& [event, what] : kExamples) {
    const auto ticket =
        (*log)->begin({event, system_clock().wall(), R"("identity":"bartizan","address":"gateway")", what});
    if (!ticket) return failed(ticket.error());
    (*log)->finish(*ticket, {});
  }
  return 0;
}

int compress(char** values) {
  const auto key = audit::NoteVerifier::parse(values[1]);
  if (!key) return failed(key.error());
  auditlog::BundleCompressorOptions options;
  options.directory = values[0];
  options.origin = key->name();
  options.every = std::chrono::hours(1);
  const auto compressor = auditlog::BundleCompressor::start(options, *key, auditlog::system_files());
  if (const auto done = compressor->run_now(); !done) return failed(done.error());
  const auto figures = compressor->figures();
  std::printf("%llu %llu %llu\n", static_cast<unsigned long long>(figures.records),
              static_cast<unsigned long long>(figures.plain_bytes),
              static_cast<unsigned long long>(figures.stored_bytes));
  return 0;
}

/// What may happen to a record of the tenant acme between the gateway, which counts it, and its tree.
class Faulty final : public audit::Log {
 public:
  static constexpr std::uint64_t kAt = 200;  ///< which of its statements
  Faulty(audit::Log& log, std::string fault) : log_(log), fault_(std::move(fault)) {}
  Result<audit::Ticket> begin(const audit::Intent& intent) override {
    const bool acme = intent.session.find("acme") != std::string_view::npos;
    const bool counts = intent.event == audit::Event::Counts;
    const bool hit = acme && !counts && ++begun_ == kAt;
    audit::Intent passed = intent;
    if (hit && fault_ == "move") passed.session = R"("identity":"user1","tenant":"beta corp")";
    auto ticket = log_.begin(passed);
    if (ticket && hit) hit_ = ticket->get();
    if (ticket && acme && counts && fault_ == "silent") silent_ = ticket->get();
    return ticket;
  }
  void finish(audit::Ticket ticket, const audit::Outcome& outcome) override {
    const bool hit = ticket.get() == hit_;
    if (!(hit && fault_ == "drop") && ticket.get() != silent_) log_.finish(ticket, outcome);
    if (!hit || fault_ != "die") return;
    while (!log_.durable(ticket)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::_Exit(0);
  }
  [[nodiscard]] bool durable(audit::Ticket ticket) const noexcept override { return log_.durable(ticket); }

 private:
  audit::Log& log_;
  const std::string fault_;
  std::uint64_t begun_ = 0;
  std::uint64_t hit_ = 0;
  std::uint64_t silent_ = 0;
};

int counted(int count, char** values) {
  const auto signer = audit::NoteSigner::parse(values[2]);
  if (!signer) return failed(signer.error());
  auditlog::TreeLogOptions options;
  options.directory = values[0];
  options.origin = "log.example/test";
  auto log = auditlog::TreeLog::open(options, *signer);
  if (!log) return failed(log.error());
  Faulty faulty(**log, count > 3 ? values[3] : "");
  auditlog::CountedLogOptions counts;
  counts.directory = options.directory;
  const auto counting = auditlog::CountedLog::open(counts, faulty, (*log)->figures().next_ticket);
  static constexpr const char* kTenants[] = {"", "acme", "beta corp"};
  const auto records = static_cast<unsigned>(std::strtoul(values[1], nullptr, 10));
  for (unsigned i = 0; i < records; ++i) {
    std::string who = "\"session\":" + std::to_string(i / 5);
    audit::append_member(who, "identity", "user" + std::to_string(i % 7));
    if (i % 3 != 0) audit::append_member(who, "tenant", kTenants[i % 3]);
    const auto ticket = counting->begin({audit::Event::Statement, system_clock().wall(), who, R"("tag":"SELECT")"});
    if (!ticket) return failed(ticket.error());
    counting->finish(*ticket, {});
    if (i % 500 == 499)
      if (auto told = counting->tell_now(std::chrono::seconds(60)); !told) return failed(told.error());
  }
  return 0;
}

int add(const std::string& directory, unsigned records, const char* key, const char* seconds) {
  auto signer = key != nullptr && std::string_view(key) != "-"
                    ? audit::NoteSigner::parse(key)
                    : audit::NoteSigner::generate(audit::KeyType::Ed25519, "log.example/test", system_random());
  if (!signer) return failed(signer.error());
  auditlog::TreeLogOptions options;
  options.directory = directory;
  options.origin = "log.example/test";
  options.checkpoint_every = std::chrono::hours(1);
  auto settled = auditlog::settle_keys(auditlog::system_files(), {directory, directory + ".key"},
                                       signer->named(options.origin), system_clock().wall());
  if (!settled) return failed(settled.error());
  auto log = auditlog::TreeLog::open(options, std::move(settled->keys));
  if (!log) return failed(log.error());
  static constexpr const char* kTenants[] = {"", "acme", "beta corp"};
  for (unsigned i = 0; i < records; ++i) {
    std::string who = "\"session\":" + std::to_string(i / 5);
    audit::append_member(who, "identity", "user" + std::to_string(i % 7));
    if (*kTenants[i % 3] != 0) audit::append_member(who, "tenant", kTenants[i % 3]);
    audit::append_member(who, "depot", "demo");
    audit::append_member(who, "address", "192.0.2." + std::to_string(i % 250) + ":4711");
    std::string what;
    audit::append_member(what, "tag", i % 4 == 0 ? "UPDATE" : "SELECT");
    audit::append_member(what, "digest", std::to_string(i));
    const auto event = i % 11 == 0   ? audit::Event::SignIn
                       : i % 13 == 0 ? audit::Event::LogRead
                                     : audit::Event::Statement;
    const WallTime at =
        seconds != nullptr ? WallTime(std::chrono::seconds(std::atoll(seconds))) : system_clock().wall();
    const auto ticket = (*log)->begin({event, at, who, what});
    if (!ticket) return failed(ticket.error());
    audit::Outcome outcome;
    outcome.status = static_cast<audit::Status>(i % 5);
    outcome.rows = i;
    (*log)->finish(*ticket, outcome);
    if (i % 500 == 499)
      if (auto published = (*log)->publish_now(std::chrono::seconds(60)); !published) return failed(published.error());
  }
  log->reset();
  std::printf("%s\n%s\n", std::string(signer->to_text().reveal_chars()).c_str(),
              signer->verifier().to_string().c_str());
  return 0;
}

int rotate(char** values) {
  const std::string directory = values[0];
  const auto signer = audit::NoteSigner::parse(values[1]);
  if (!signer) return failed(signer.error());
  const auditlog::KeyPlaces places{directory, directory + ".key"};
  std::ofstream(places.key_file) << values[1];
  const auto done =
      auditlog::rotate_key(auditlog::system_files(), places, signer->named("log.example/test"), system_random(),
                           system_clock().wall(), std::chrono::seconds(std::strtoul(values[2], nullptr, 10)));
  if (!done) return failed(done.error());
  std::string secret;
  std::ifstream(places.key_file) >> secret;
  std::printf("%s\n%s\n", secret.c_str(), done->after.to_string().c_str());
  return 0;
}

Result<auditlog::TreeReader> reader(char** values) {
  BZ_TRY(const auto key, audit::NoteVerifier::parse(values[1]));
  return auditlog::TreeReader::open(values[0], key.name(), values[2], key);
}

int prove(char** values) {
  const auto tree = reader(values);
  if (!tree) return failed(tree.error());
  const std::uint64_t index = std::strtoull(values[3], nullptr, 10);
  const auto entry = tree->entry(index);
  const auto proof = tree->prove(index);
  if (!entry || !proof) return failed(!entry ? entry.error() : proof.error());
  std::ofstream(std::string(values[4]) + ".record", std::ios::binary) << *entry;
  std::ofstream(std::string(values[4]) + ".tlog-proof", std::ios::binary) << audit::to_text(*proof);
  return 0;
}

/// DIRECTORY SECRET TREE BEFORE_SECONDS: prints how many records were pruned.
int prune(char** values) {
  const auto signer = audit::NoteSigner::parse(values[1]);
  if (!signer) return failed(signer.error());
  const auto tree_signer = signer->named(signer->verifier().name() + "/" + values[2]);
  const auto tree = auditlog::TreeReader::open(values[0], signer->verifier().name(), values[2], signer->verifier());
  if (!tree) return failed(tree.error());
  const std::string folder = std::string(values[0]) + "/tree/" + values[2];
  auto& files = auditlog::system_files();
  const auto minimum = auditlog::prunable_below(files, folder, tree_signer.verifier(), tree->checkpoint().size,
                                                WallTime(std::chrono::seconds(std::atoll(values[3]))));
  if (!minimum) return failed(minimum.error());
  const auto done = auditlog::prune_tree(files, folder, tree_signer, *minimum, system_clock().wall());
  if (!done) return failed(done.error());
  std::printf("%llu\n", static_cast<unsigned long long>(*minimum));
  return 0;
}

int growth(char** values) {
  const auto tree = reader(values);
  if (!tree) return failed(tree.error());
  const auto proof = tree->prove_growth(std::strtoull(values[3], nullptr, 10));
  if (!proof) return failed(proof.error());
  for (const auto& hash : *proof) std::printf("%s\n", crypto::base64_encode(hash).c_str());
  return 0;
}

}  // namespace

int main(int count, char** values) {
  const std::string verb = count > 1 ? values[1] : "";
  if (verb == "prove" && count == 7) return prove(values + 2);
  if (verb == "prune" && count == 6) return prune(values + 2);
  if (verb == "growth" && count == 6) return growth(values + 2);
  if (verb == "classes" && count == 3) return classes(values[2]);
  if (verb == "counted" && (count == 5 || count == 6)) return counted(count - 2, values + 2);
  if (verb == "rotate" && count == 5) return rotate(values + 2);
  if (verb == "compress" && count == 4) return compress(values + 2);
  if (count >= 3 && count <= 5)
    return add(verb, static_cast<unsigned>(std::strtoul(values[2], nullptr, 10)), count > 3 ? values[3] : nullptr,
               count > 4 ? values[4] : nullptr);
  return 2;
}
