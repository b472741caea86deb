// The certificate that the gateway shows a depot's server, as verbs take it.
#pragma once

#include <optional>

#include "args.hpp"
#include "bartizan/base/result.hpp"
#include "bartizan/policy/model.hpp"

namespace bartizan::control {

/// From 'certificate_pem' and 'private_key_pem', where they are given.
[[nodiscard]] Result<std::optional<policy::ClientCertificate>> take_certificate(Args& args);

}  // namespace bartizan::control
