// Members of an audit record (docs/formats/audit-record.schema.json) by their path, as those who filter or judge
// records read them.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "bartizan/control/document.hpp"

namespace bartizan::control {

/// Null where the record has no such member. Lives as long as record.
[[nodiscard]] const Document* member_at(const Document& record, std::initializer_list<std::string_view> path);
/// Empty where it is absent, or is not text.
[[nodiscard]] std::string text_at(const Document& record, std::initializer_list<std::string_view> path);

}  // namespace bartizan::control
