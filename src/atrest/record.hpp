// The file that says how encrypted files lie and under which key: docs/formats/at-rest.md, "Record".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bartizan/atrest/protected_folder.hpp"
#include "bartizan/base/uuid.hpp"

namespace bartizan::atrest {

inline constexpr std::size_t kMaxRecordBytes = 256;

struct Record {
  Method method = Method::None;  ///< never None in a file
  Uuid storage;
  std::uint32_t key = 0;
  friend bool operator==(const Record&, const Record&) = default;
};

[[nodiscard]] std::string write_record(const Record& record);
/// Malformed for whatever write_record() would not have written.
[[nodiscard]] Result<Record> read_record(std::string_view text);

}  // namespace bartizan::atrest
