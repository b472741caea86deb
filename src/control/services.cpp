#include "services.hpp"

namespace bartizan::control {

void append_meta(Members& members, const store::Meta& meta) {
  members.emplace_back("version", meta.version);
  members.emplace_back("created_at", format_time(meta.created_at));
  members.emplace_back("created_by", meta.created_by);
  members.emplace_back("updated_at", format_time(meta.updated_at));
  members.emplace_back("updated_by", meta.updated_by);
}

Error named_twice(Error error, std::string_view noun, std::string_view name) {
  if (error.code == Errc::AlreadyExists)
    error.detail = std::string(noun) + " '" + std::string(name) + "' is there already";
  return error;
}

Error with_list_hint(Call& call, Error error, std::string_view noun) {
  if (error.code == Errc::NotFound) call.hint = "see: bartizan " + std::string(noun) + " list";
  return error;
}

Result<std::int64_t> checked_version(const std::optional<std::int64_t>& given, const store::Meta& meta) {
  if (!given || *given == meta.version) return meta.version;
  return fail(Errc::Conflict, "it was changed meanwhile: its version is now " + std::to_string(meta.version));
}

Result<std::optional<std::int64_t>> take_version(Args& args) { return args.integer_or_none("version", 0, INT64_MAX); }

Result<std::optional<WallTime>> take_valid_until(Call& call, Args& args) {
  BZ_TRY(auto time, args.time_or_none("valid_until"));
  if (time && *time <= call.context.clock.wall()) return fail(Errc::InvalidArgument, "'valid_until' lies in the past");
  return time;
}

}  // namespace bartizan::control
