// column tokenize, detokenize (column_verbs.cpp).
#pragma once

#include "services.hpp"

namespace bartizan::control {

Result<Document> column_tokenize(Call& call, Args& args);
Result<Document> column_detokenize(Call& call, Args& args);

}  // namespace bartizan::control
