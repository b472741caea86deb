// [pgbouncer], key by key: settings of the process, values that databases and users take as their
// defaults, and what has no counterpart.
#pragma once

#include "draft.hpp"

namespace bartizan::migrate {

/// REQUIRES: draft.remember() has seen every entry of the section. One finding at least.
void map_setting(Draft& draft, const IniEntry& entry);

/// What [pgbouncer] says about TLS toward clients, of several keys at once.
void map_client_tls(Draft& draft);

}  // namespace bartizan::migrate
