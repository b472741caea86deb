// The way of a stopped server's files from the clear to encryption at rest (docs/formats/at-rest.md): copied, then the
// originals removed. Broken off anywhere it is begun again by the same call, and nothing is lost meanwhile.
#pragma once

#include "bartizan/base/result.hpp"
#include "bartizan/postgres/embedded_server.hpp"

namespace bartizan::postgres {

/// Blocks for as long as copying takes. options.at_rest has the key. AlreadyExists: they lie encrypted; NotFound: there
/// are none; FailedPrecondition: in use, no means, or tablespaces, which lie elsewhere.
[[nodiscard]] Result<AtRestState> encrypt_files(const EmbeddedOptions& options);

}  // namespace bartizan::postgres
