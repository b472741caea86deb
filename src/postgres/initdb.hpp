// Making a new cluster.
#pragma once

#include "bartizan/base/clock.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/base/secret.hpp"
#include "bartizan/postgres/data_directory.hpp"
#include "bartizan/postgres/server_binaries.hpp"

namespace bartizan::postgres {

/// The superuser's password of this folder: read, or made and kept (0600).
Result<SecretBytes> load_or_make_password(const DataLayout& layout);

/// initdb into a folder beside, then a rename: a cluster is there wholly or not at all.
Result<void> initialise_cluster(const DataLayout& layout, const ServerAccount& account, const ServerBinaries& binaries,
                                const SecretBytes& password, SteadyTime deadline);

}  // namespace bartizan::postgres
