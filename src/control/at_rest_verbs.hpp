// depot declare-at-rest.
#pragma once

#include "services.hpp"

namespace bartizan::control {

Result<Document> depot_declare_at_rest(Call& call, Args& args);

}  // namespace bartizan::control
