// depot suspend and detach: the wall out of a depot's database, for a while or for good.
#pragma once

#include "services.hpp"

namespace bartizan::control {

Result<Document> depot_suspend(Call& call, Args& args);
Result<Document> depot_detach(Call& call, Args& args);
/// Behind depot resume: builds the wall anew where the depot was suspended. The answer's members are appended to `out`.
Result<void> end_suspension(Call& call, const std::string& name, Members& out);

}  // namespace bartizan::control
