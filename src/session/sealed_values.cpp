#include "sealed_values.hpp"

#include <algorithm>

#include "bartizan/audit/log.hpp"
#include "bartizan/crypto/base64.hpp"
#include "bartizan/pgwire/frontend_messages.hpp"

namespace bartizan::session {
namespace {

constexpr std::string_view kSealed = "\"sealed\":";

bool is_binary(const pgwire::Bind& bind, std::size_t parameter) {
  const auto& formats = bind.parameter_formats;
  if (formats.size() == 0) return false;
  return formats[formats.size() == 1 ? 0 : std::min(parameter, formats.size() - 1)] != 0;
}

/// Texts as they are, binary values as {"binary":"<base64>"}, NULL as null.
std::string members_of(const pgwire::Bind& bind) {
  std::string out = "\"values\":[";
  std::size_t parameter = 0;
  for (const auto& value : bind.parameters) {
    if (parameter > 0) out.push_back(',');
    std::string member;
    if (!value) {
      member = "null";
    } else if (is_binary(bind, parameter)) {
      audit::append_member(member, "binary", crypto::base64_encode(*value));
      member = "{" + member + "}";
    } else {
      audit::append_member(member, "", as_chars(*value));
      member.erase(0, 3);  // the name, and its colon
    }
    out.append(member);
    ++parameter;
  }
  out.push_back(']');
  return out;
}

}  // namespace

std::shared_ptr<const std::string> sealed_values(audit::Sealer& sealer, std::string_view tenant, ByteView bind,
                                                 std::size_t length, bool whole, WallTime at) {
  if (!whole || bind.size() > kMostSealedBind)
    return std::make_shared<std::string>("\"sealed_values\":{\"omitted_bytes\":" + std::to_string(length) + "}");
  const auto decoded = pgwire::decode_bind(bind);
  if (!decoded || decoded->parameters.size() == 0) return nullptr;
  const auto sealed = sealer.seal(tenant, members_of(*decoded), at);
  if (!sealed || !sealed->starts_with(kSealed))
    return std::make_shared<std::string>("\"sealed_values\":{\"failed\":true}");
  return std::make_shared<std::string>("\"sealed_values\":" + sealed->substr(kSealed.size()));
}

}  // namespace bartizan::session
