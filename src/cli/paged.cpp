#include "paged.hpp"

#include <ostream>

namespace bartizan::cli {

namespace json = boost::json;

std::optional<json::object> result_of(std::string_view answer) {
  json::error_code error;
  auto value = json::parse(json::string_view(answer.data(), answer.size()), error);
  auto* object = error ? nullptr : value.if_object();
  auto* result = object == nullptr ? nullptr : object->if_contains("result");
  if (result == nullptr || !result->is_object()) return std::nullopt;
  return std::move(result->as_object());
}

int print_fault(const Presented& presented, const Surroundings& surroundings) {
  surroundings.err << presented.err << std::flush;
  return static_cast<int>(presented.code == ExitCode::Ok ? ExitCode::Fault : presented.code);
}

}  // namespace bartizan::cli
