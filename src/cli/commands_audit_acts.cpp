// audit break-glass, erase and unseal: what an administrator does about the log, each of it on the record.
#include "command.hpp"

namespace bartizan::cli {
namespace {

constexpr Parameter kReason = {.name = "reason", .placeholder = "TEXT", .help = "for the record", .required = true};

}  // namespace

std::vector<Command> audit_act_commands() {
  return {
      {.noun = "audit",
       .verb = "break-glass",
       .admin_verb = "audit.break-glass",
       .summary = "let statements go on without their audit record",
       .description =
           "For a time, for root and the gateway's own user alone. Without it statements are refused while the log can't be written. With it "
           "their records wait in memory, in bounds, and are written when that works again; those are lost if the gateway ends "
           "before. It is a record of the log itself, a line of the operational log, and stands in status, doctor and metrics.",
       .parameters =
           {{.name = "state", .placeholder = "on|off", .help = "on or off", .positional = true, .required = true},
            {.name = "for", .placeholder = "TIME", .help = "on: ends by itself after this, at most 4h"},
            {.name = "reason", .placeholder = "TEXT", .help = "on: why, for the record"}},
       .examples = {{"bartizan audit break-glass on --for 15m --reason 'ticket 4711: disk replaced'", ""},
                    {"bartizan audit break-glass off", ""}}},
      {.noun = "audit",
       .verb = "erase",
       .admin_verb = "audit.erase",
       .summary = "destroy the keys of sealed personal data",
       .description =
           "Of one record (and of its session's others, which hold the same address), of a month, or of all months; the latter "
           "two of a tenant's tree, or without --tenant of the system's. Records, hashes and proofs stay. It can't be undone. The "
           "reason stands in the log for ever: give the request's number, not whom it is about.",
       .parameters =
           {{.name = "record", .placeholder = "RECORD", .help = "the record, TREE:INDEX as audit search shows it"},
            {.name = "tenant", .placeholder = "NAME", .help = "with --month or --all", .default_text = "the system's"},
            {.name = "month", .placeholder = "YYYY-MM", .help = "values sealed in this month, UTC"},
            {.name = "all", .kind = ParameterKind::Flag, .help = "values of all months"},
            kReason},
       .examples = {{"bartizan audit erase --record t-northside:41 --reason 'request 1701'", ""},
                    {"bartizan audit erase --tenant northside --month 2026-11 --reason 'retention'", ""}}},
      {.noun = "audit",
       .verb = "key-rotate",
       .admin_verb = "audit.key-rotate",
       .summary = "sign the audit log with a new key from now on",
       .description =
           "For root and the gateway's own user alone. The new key is introduced by a note that both have signed, in the log's folder "
           "keys; bartizan-verify and witnesses follow it from any key they were given. For the days of grace, and until the "
           "gateway is started anew after them, the key before signs along, for those who know only that one. Then it is removed. "
           "With --grace-days 0 and a restart at once: for a key that others may have.",
       .parameters = {{.name = "grace-days",
                       .kind = ParameterKind::Integer,
                       .placeholder = "DAYS",
                       .help = "the key before signs along, 0 to 365",
                       .default_text = "30",
                       .min = 0,
                       .max = 365},
                      kReason},
       .examples = {{"bartizan audit key-rotate --reason yearly", ""}}},
      {.noun = "audit",
       .verb = "unseal",
       .admin_verb = "audit.unseal",
       .summary = "read a record's sealed personal data",
       .description = "For root and the gateway's own user alone, and on the record.",
       .parameters = {{.name = "record",
                       .placeholder = "RECORD",
                       .help = "the record, TREE:INDEX as audit search shows it",
                       .positional = true,
                       .required = true},
                      kReason},
       .examples = {{"bartizan audit unseal t-northside:41 --reason 'incident 7'", ""}}},
  };
}

}  // namespace bartizan::cli
