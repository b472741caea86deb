#include "sealed_values.hpp"

#include <doctest/doctest.h>

#include "bartizan/pgwire/frontend_messages.hpp"

namespace bartizan::session {
namespace {

/// Says what it was given to seal.
struct OpenSealer final : audit::Sealer {
  Result<std::string> seal(std::string_view tenant, std::string_view members, WallTime) override {
    if (fails) return fail(Errc::Io, "no");
    return "\"sealed\":{\"tenant\":\"" + std::string(tenant) + "\"," + std::string(members) + "}";
  }
  bool fails = false;
};

Bytes bind(std::vector<std::int16_t> formats, const std::vector<std::optional<std::string>>& values) {
  Bytes out;
  const auto be16 = [&](std::size_t value) {
    out.push_back(static_cast<std::byte>(value >> 8));
    out.push_back(static_cast<std::byte>(value & 255));
  };
  out.resize(2);  // portal and statement without a name
  be16(formats.size());
  for (const auto format : formats) be16(static_cast<std::size_t>(format));
  be16(values.size());
  for (const auto& value : values) {
    const std::uint32_t length = value ? static_cast<std::uint32_t>(value->size()) : 0xffffffff;
    be16(length >> 16);
    be16(length & 0xffff);
    if (!value) continue;
    const auto bytes = as_bytes(*value);
    out.insert(out.end(), bytes.begin(), bytes.end());
  }
  be16(0);
  return out;
}

std::string told(const Bytes& payload, bool whole = true, bool fails = false) {
  OpenSealer sealer;
  sealer.fails = fails;
  const auto out = sealed_values(sealer, "acme", payload, payload.size(), whole, {});
  return out ? *out : "none";
}

TEST_CASE("texts, binary values and NULL are told apart, and none escapes its place") {
  CHECK(told(bind({}, {"12", std::nullopt, "a\"b\\\n"})) ==
        R"("sealed_values":{"tenant":"acme","values":["12",null,"a\"b\\\u000a"]})");
  CHECK(told(bind({1}, {std::string("\0\1", 2), "x"})) ==
        R"("sealed_values":{"tenant":"acme","values":[{"binary":"AAE="},{"binary":"eA=="}]})");
  CHECK(told(bind({0, 1}, {"t", "b"})) == R"("sealed_values":{"tenant":"acme","values":["t",{"binary":"Yg=="}]})");
  CHECK(told(bind({}, {})) == "none");
}

TEST_CASE("what is too long is told by its length, and what can't be sealed not at all") {
  const std::string secret(kMostSealedBind, 's');
  const Bytes payload = bind({}, {secret});
  CHECK(told(payload) == "\"sealed_values\":{\"omitted_bytes\":" + std::to_string(payload.size()) + "}");
  CHECK(told(bind({}, {"secret"}), false).find("secret") == std::string::npos);
  CHECK(told(bind({}, {"secret"}), true, true) == R"("sealed_values":{"failed":true})");
  Bytes cut = bind({}, {"secret"});
  cut.resize(cut.size() - 4);
  CHECK(told(cut) == "none");  // PostgreSQL refuses it
}

}  // namespace
}  // namespace bartizan::session
