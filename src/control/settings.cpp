#include "bartizan/store/settings.hpp"

#include <array>
#include <charconv>

#include "services.hpp"
#include "setting_specs.hpp"

namespace bartizan::control {
namespace {

constexpr std::array<SettingSpec, 6> kSpecs = {{
    {kCellsPerSecond, "how many cells a second are sealed again after a key was rotated", 2000, 1, 1'000'000},
    {kCheckSeconds, "how often customers' key providers are asked: a refusal is in force within it", 10, 1, 3600},
    {kGraceSeconds, "how long a retired key is kept at least: as long as backups of the databases", 3'024'000, 0,
     315'360'000},
    {kOutageSeconds, "how long keys are used of a customer's key provider that does not answer", 60, 1, 86'400},
    {kRotateAfterSeconds, "keys are rotated by themselves at this age; 0: never", 0, 0, 315'360'000},
    {kScramIterations, "PBKDF2 iterations of passwords set from now on", 4096, 4096, 1'000'000},
}};

using Values = std::map<std::string, std::string, std::less<>>;

Document render(const SettingSpec& spec, const Values& values) {
  const auto set = values.find(spec.name);
  const auto fallback = std::to_string(spec.default_value);
  return Members{{"name", spec.name},
                 {"value", set == values.end() ? fallback : set->second},
                 {"default", fallback},
                 {"description", spec.description}};
}

Result<const SettingSpec*> take_spec(Call& call, Args& args) {
  BZ_TRY(const auto name, args.name("name", NameKind::Resource));
  auto spec = find_setting_spec(name);
  if (!spec) call.hint = "see: bartizan setting list";
  return spec;
}

}  // namespace

std::span<const SettingSpec> setting_specs() noexcept { return kSpecs; }

Result<const SettingSpec*> find_setting_spec(std::string_view name) {
  for (const SettingSpec& spec : kSpecs) {
    if (spec.name == name) return &spec;
  }
  return fail(Errc::NotFound, "no setting '" + std::string(name) + "'");
}

std::int64_t setting_in(const std::map<std::string, std::string, std::less<>>& values, std::string_view name) noexcept {
  const auto spec = find_setting_spec(name);
  if (!spec) return 0;
  const auto set = values.find(name);
  if (set == values.end() || !validate_setting(**spec, set->second)) return (*spec)->default_value;
  std::int64_t number = 0;
  std::from_chars(set->second.data(), set->second.data() + set->second.size(), number);
  return number;
}

Result<void> validate_setting(const SettingSpec& spec, std::string_view value) {
  std::int64_t number = 0;
  const auto parsed = std::from_chars(value.data(), value.data() + value.size(), number);
  const bool whole = parsed.ec == std::errc{} && parsed.ptr == value.data() + value.size();
  if (whole && number >= spec.least && number <= spec.most) return {};
  return fail(Errc::InvalidArgument, std::string(spec.name) + " is a whole number from " + std::to_string(spec.least) +
                                         " to " + std::to_string(spec.most));
}

Result<Document> setting_list(Call& call, Args& args) {
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.read());
  BZ_TRY(const auto values, store::Settings(transaction).list());
  Items out;
  for (const SettingSpec& spec : kSpecs) out.push_back(render(spec, values));
  return Document(std::move(out));
}

Result<Document> setting_get(Call& call, Args& args) {
  BZ_TRY(const auto* spec, take_spec(call, args));
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.read());
  BZ_TRY(const auto values, store::Settings(transaction).list());
  return render(*spec, values);
}

Result<Document> setting_set(Call& call, Args& args) {
  BZ_TRY(const auto* spec, take_spec(call, args));
  BZ_TRY(const auto value, args.text_or_none("value", 1024));
  BZ_CHECK(args.finish());
  if (value) BZ_CHECK(validate_setting(*spec, *value));
  BZ_TRY(auto transaction, call.write());
  store::Settings settings(transaction);
  BZ_CHECK(value ? settings.set(spec->name, *value) : settings.reset(spec->name));
  BZ_TRY(const auto values, settings.list());
  BZ_CHECK(transaction.commit());
  return render(*spec, values);
}

}  // namespace bartizan::control
