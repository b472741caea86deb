#include "bartizan/pgwire/parameters.hpp"

#include <algorithm>

namespace bartizan::pgwire {
namespace {

constexpr unsigned char folded(char c) noexcept {
  return static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

constexpr ReportedParameter kReported[] = {
    {"application_name", 14},
    {"client_encoding", 14},
    {"DateStyle", 14},
    {"default_transaction_read_only", 14},
    {"in_hot_standby", 14},
    {"integer_datetimes", 14},
    {"IntervalStyle", 14},
    {"is_superuser", 14},
    {"scram_iterations", 16},
    {"search_path", 18},
    {"server_encoding", 14},
    {"server_version", 14},
    {"session_authorization", 14},
    {"standard_conforming_strings", 14},
    {"TimeZone", 14},
};

}  // namespace

bool same_parameter_name(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, folded, folded);
}

bool ParameterNameLess::operator()(std::string_view a, std::string_view b) const noexcept {
  return std::ranges::lexicographical_compare(a, b, {}, folded, folded);
}

std::span<const ReportedParameter> reported_parameters() noexcept { return kReported; }

bool is_reported_parameter(std::string_view name, int server_major) noexcept {
  return std::ranges::any_of(kReported, [&](const ReportedParameter& each) {
    return each.since_major <= server_major && same_parameter_name(each.name, name);
  });
}

}  // namespace bartizan::pgwire
