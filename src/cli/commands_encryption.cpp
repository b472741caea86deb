// column, key.
#include "command.hpp"

namespace bartizan::cli {
namespace {

constexpr Parameter kDepot = {
    .name = "depot", .placeholder = "NAME", .help = "where", .positional = true, .required = true};
constexpr Parameter kColumn = {
    .name = "column", .placeholder = "COLUMN", .help = "schema.table.column", .positional = true, .required = true};
constexpr Parameter kTenant = {.name = "tenant", .placeholder = "NAME", .help = "the tenant's", .default_text = "none"};
constexpr Parameter kOfDepot = {.name = "depot",
                                .placeholder = "NAME",
                                .help = "the depot's, where it belongs to no tenant",
                                .default_text = "none"};

std::vector<Command> columns() {
  return {
      {.noun = "column",
       .verb = "encrypt",
       .admin_verb = "column.encrypt",
       .summary = "turn a column into an encrypted one, while it is used",
       .description =
           "Its values are encrypted row by row while applications go on; at the end sessions of the depot are ended, and "
           "the table is rewritten. Broken off at any step, it goes on when it is called again. The table needs a primary "
           "key; indexes, views and constraints on the column have to go first.",
       .parameters =
           {kDepot,
            kColumn,
            {.name = "search",
             .kind = ParameterKind::Flag,
             .help = "with equality search: who may read the database sees which rows hold equal values"},
            {.name = "stored-index",
             .kind = ParameterKind::Flag,
             .help = "that index in a column of its own, for tables that policies filter; implies --search"},
            {.name = "unique", .kind = ParameterKind::Flag, .help = "equal values are refused; implies --search"},
            {.name = "join-with",
             .placeholder = "COLUMN",
             .help = "an encrypted column that it can be compared with; implies --search",
             .default_text = "none"},
            {.name = "per-tenant",
             .kind = ParameterKind::Flag,
             .help = "under the keys of the session's tenant; the column must be empty"},
            {.name = "bind-row",
             .kind = ParameterKind::Flag,
             .help = "values open in their own row alone; statements then have to give the primary key"},
            {.name = "subject",
             .placeholder = "NAME",
             .help = "a column of the same table that says whose the row is: each such person's values can be "
                     "destroyed alone (key destroy --subject-stdin); statements then have to give it; not with "
                     "--bind-row",
             .default_text = "none"}},
       .examples = {{"bartizan column encrypt crm public.people.email --search", ""}}},
      {.noun = "column",
       .verb = "decrypt",
       .admin_verb = "column.decrypt",
       .summary = "turn an encrypted column back into a plain one",
       .parameters = {kDepot, kColumn},
       .examples = {{"bartizan column decrypt crm public.people.email", ""}}},
      {.noun = "column",
       .verb = "tokenize",
       .admin_verb = "column.tokenize",
       .summary = "put tokens in place of a column's values",
       .description =
           "The depot is closed for it: its sessions end where no transaction is open, all rows change in one transaction, "
           "and the table is rewritten. Who has the right to detokenize (an access policy with this predicate) goes on with "
           "values; everybody else is shown tokens, and writes nothing. Equal values have equal tokens. See: the guide, "
           "tokens.",
       .parameters = {kDepot,
                      kColumn,
                      {.name = "kind",
                       .placeholder = "KIND",
                       .help =
                           "fpe: format-preserving, by FF1; vault: random, the values sealed in a table of the depot",
                       .default_text = "fpe"},
                      {.name = "alphabet",
                       .placeholder = "NAME",
                       .help = "of which characters values and tokens are: digits, hex, upper-hex, lower, upper, "
                               "lower-alnum, upper-alnum, alnum",
                       .required = true},
                      {.name = "separators",
                       .placeholder = "CHARACTERS",
                       .help = "characters that stay where they are, such as ' -'",
                       .default_text = "none"}},
       .examples = {{"bartizan column tokenize crm public.people.card --alphabet digits --separators ' -'", ""}}},
      {.noun = "column",
       .verb = "detokenize",
       .admin_verb = "column.detokenize",
       .summary = "turn a column of tokens back into one of values",
       .parameters = {kDepot, kColumn},
       .examples = {{"bartizan column detokenize crm public.people.card", ""}}},
      {.noun = "column",
       .verb = "status",
       .admin_verb = "column.status",
       .summary = "list encrypted and tokenised columns, and migrations",
       .columns = {{"depot", "DEPOT"},
                   {"column", "COLUMN"},
                   {"state", "STATE"},
                   {"tokens", "TOKENS"},
                   {"search", "SEARCH"},
                   {"keys", "KEYS"},
                   {"bound", "BOUND"},
                   {"step", "STEP"},
                   {"done", "DONE"},
                   {"total", "OF"},
                   {"error", "ERROR"}},
       .examples = {{"bartizan column status", ""}}},
  };
}

std::vector<Command> keys() {
  return {
      {.noun = "key",
       .verb = "list",
       .admin_verb = "key.list",
       .summary = "list the versions of all keyrings, destroyed ones too",
       .columns = {{"owner", "OWNER"},
                   {"key", "KEY"},
                   {"purpose", "PURPOSE"},
                   {"state", "STATE"},
                   {"root", "ROOT"},
                   {"since", "SINCE"},
                   {"destroyed_subjects", "SUBJECTS GONE"},
                   {"authority", "DESTROYED BY"}},
       .examples = {{"bartizan key list", ""}}},
      {.noun = "key",
       .verb = "create",
       .admin_verb = "key.create",
       .summary = "make an owner's keys, if there are none yet",
       .description =
           "Needless without --provider: they are made at their first use. With it the root key is the owner's own, in a "
           "token or a key service, and what there is already is wrapped under it: whoever holds it turns the data dark by "
           "refusing. Secrets stand in files that the address names, mode 0600. 'file' stands for a root key of the gateway's.",
       .parameters = {kTenant,
                      kOfDepot,
                      {.name = "provider",
                       .placeholder = "ADDRESS",
                       .help = "pkcs11:…, vault:https://… or aws-kms:https://…, or file",
                       .default_text = "as it is"}},
       .examples = {{"bartizan key create --tenant acme", ""},
                    {"bartizan key create --tenant acme --provider "
                     "'vault:https://vault.acme.example:8200/transit/bartizan?token-file=/etc/bartizan/acme.token'",
                     ""}}},
      {.noun = "key",
       .verb = "rotate",
       .admin_verb = "key.rotate",
       .summary = "encrypt under a new version from now on",
       .description =
           "What is encrypted under former versions stays readable, and is encrypted again in the background; a former "
           "version is destroyed when its grace is over and a count has shown that nothing uses it. See: bartizan key status.",
       .parameters =
           {kTenant,
            kOfDepot,
            {.name = "index",
             .kind = ParameterKind::Flag,
             .help =
                 "the key of equality search, and the data's with it: both are asked for until every cell has the new one"}},
       .examples = {{"bartizan key rotate --depot crm", ""}, {"bartizan key rotate --depot crm --index", ""}}},
      {.noun = "key",
       .verb = "rewrap",
       .admin_verb = "key.rewrap",
       .summary = "wrap all keys under a new root and forget the old one",
       .description = "Touches no data. Older copies of the keyrings are worthless afterwards.",
       .examples = {{"bartizan key rewrap", ""}}},
      {.noun = "key",
       .verb = "destroy",
       .admin_verb = "key.destroy",
       .summary = "make an owner's data unreadable for ever",
       .description =
           "In the database, its replicas and every backup. A tombstone stays, and the roots are renewed. The answer has a "
           "signed certificate of it. With --subject-stdin it is the values of one data subject alone, in all columns that were "
           "encrypted with --subject; they read as NULL from then on.",
       .parameters = {kTenant,
                      kOfDepot,
                      {.name = "subject-stdin",
                       .kind = ParameterKind::Flag,
                       .help =
                           "of one data subject: the value of its column (a number, an id) is the first line of stdin",
                       .in_request = false},
                      {.name = "reason", .placeholder = "TEXT", .help = "why, for the tombstone", .required = true},
                      {.name = "irrevocably", .kind = ParameterKind::Flag, .help = "yes, for ever"}},
       .examples =
           {{"bartizan key destroy --tenant acme --reason 'contract ended' --irrevocably", ""},
            {"bartizan key destroy --depot crm --subject-stdin --reason 'erasure request 81' --irrevocably < number",
             ""}}},
      {.noun = "key",
       .verb = "revoke",
       .admin_verb = "key.revoke",
       .summary = "make an owner's data unreadable for now",
       .description = "In force when it returns: no statement, row or piece of a COPY is opened or sealed any more.",
       .parameters = {kTenant, kOfDepot, {.name = "reason", .placeholder = "TEXT", .help = "why", .required = true}},
       .examples = {{"bartizan key revoke --tenant acme --reason 'invoice 17'", ""}}},
      {.noun = "key",
       .verb = "reinstate",
       .admin_verb = "key.reinstate",
       .summary = "give back keys that were revoked",
       .parameters = {kTenant, kOfDepot},
       .examples = {{"bartizan key reinstate --tenant acme", ""}}},
      {.noun = "key",
       .verb = "status",
       .admin_verb = "key.status",
       .summary = "show which keys can be used, and what becomes of old ones",
       .description = "CELLS is how many are under a key, as last counted; of a key that a rotation has destroyed, the "
                      "count that it was destroyed on.",
       .columns = {{"owner", "OWNER"},
                   {"key", "KEY"},
                   {"purpose", "PURPOSE"},
                   {"state", "STATE"},
                   {"use", "USE"},
                   {"step", "STEP"},
                   {"done", "DONE"},
                   {"total", "OF"},
                   {"cells", "CELLS"},
                   {"counted_at", "COUNTED"},
                   {"error", "ERROR"}},
       .examples = {{"bartizan key status", ""}}},
  };
}

}  // namespace

std::vector<Command> encryption_commands() {
  auto out = columns();
  for (auto& one : keys()) out.push_back(std::move(one));
  return out;
}

}  // namespace bartizan::cli
