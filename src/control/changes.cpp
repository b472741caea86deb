#include "bartizan/store/changes.hpp"

#include "services.hpp"

namespace bartizan::control {
namespace {

Document parsed_or_null(const std::string& json) {
  if (json.empty()) return {};
  auto document = Document::parse(json);
  return document ? std::move(*document) : Document();
}

}  // namespace

Result<Document> changes_list(Call& call, Args& args) {
  BZ_TRY(const auto after, args.integer_or_none("after", 0, INT64_MAX));
  BZ_TRY(const auto limit, args.integer_or_none("limit", 1, 1000));
  BZ_CHECK(args.finish());
  BZ_TRY(auto transaction, call.read());
  BZ_TRY(const auto changes,
         store::Changes(transaction).list(after.value_or(0), static_cast<int>(limit.value_or(100))));
  Items out;
  for (const store::Change& change : changes) {
    out.push_back(Members{{"seq", change.seq},
                          {"at", format_time(change.at)},
                          {"actor", change.actor},
                          {"kind", change.kind},
                          {"id", change.id},
                          {"before", parsed_or_null(change.before)},
                          {"after", parsed_or_null(change.after)}});
  }
  return Document(std::move(out));
}

}  // namespace bartizan::control
