#include "bartizan/store/policies.hpp"

#include <array>
#include <boost/json.hpp>

#include "records.hpp"

namespace bartizan::store {
namespace {

namespace json = boost::json;

const std::string kHeadColumns = "number, reason, acknowledged, restored_from::text, ";
const std::string kColumns = kHeadColumns + "documents, " + kMetaColumns;
const std::string kColumnsWithout = kHeadColumns + "'[]', " + kMetaColumns;

std::string member(const json::object& object, const char* name) {
  const auto* found = object.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(std::string_view(found->get_string())) : std::string();
}

json::array array_of(const std::string& text) {
  json::error_code error;
  auto value = json::parse(text, error);
  return error || !value.is_array() ? json::array() : std::move(value.get_array());
}

PolicyVersion parse(RowReader& row) {
  PolicyVersion out;
  out.number = row.integer();
  out.reason = row.text();
  for (const auto& code : array_of(row.text()))
    if (code.is_string()) out.acknowledged.emplace_back(std::string_view(code.get_string()));
  if (const auto from = row.text_or_null()) out.restored_from = std::atoll(from->c_str());
  for (const auto& document : array_of(row.text()))
    if (document.is_object())
      out.documents.push_back({member(document.get_object(), "file"), member(document.get_object(), "text")});
  return out;
}

}  // namespace

Result<Record<PolicyVersion>> PolicyVersions::publish(PolicyVersion version) {
  json::array documents;
  json::array acknowledged;
  std::size_t bytes = 0;
  for (const auto& document : version.documents) {
    bytes += document.file.size() + document.text.size();
    documents.push_back(json::object{{"file", document.file}, {"text", document.text}});
  }
  if (bytes > kMaxPolicyBytes) return fail(Errc::TooLarge, "the policies have more than 8 MiB");
  for (const auto& code : version.acknowledged) acknowledged.push_back(json::string(code));
  const std::array<Text, 5> parameters = {
      Uuid::random(transaction_.database().random()).to_string(), version.reason, json::serialize(acknowledged),
      version.restored_from ? Text(std::to_string(*version.restored_from)) : Text(), json::serialize(documents)};
  // Writers are serialised, so nobody else takes the same number.
  BZ_TRY(const Rows rows,
         transaction_.query(
             "INSERT INTO bartizan.policy_versions (id, number, reason, acknowledged, restored_from, documents)"
             " SELECT $1::uuid, coalesce(max(number), 0) + 1, $2, $3::jsonb, $4::bigint, $5::jsonb"
             " FROM bartizan.policy_versions RETURNING " +
                 kColumns,
             parameters));
  return read_record(rows, parse, "");
}

Result<Record<PolicyVersion>> PolicyVersions::find(std::int64_t number) {
  const std::array<Text, 1> parameters = {std::to_string(number)};
  BZ_TRY(const Rows rows,
         transaction_.query("SELECT " + kColumns + " FROM bartizan.policy_versions WHERE number = $1::bigint",
                            parameters));
  return read_record(rows, parse, "there is no publication " + std::to_string(number));
}

Result<std::optional<Record<PolicyVersion>>> PolicyVersions::in_force() {
  BZ_TRY(const Rows rows,
         transaction_.query("SELECT " + kColumns + " FROM bartizan.policy_versions ORDER BY number DESC LIMIT 1", {}));
  if (rows.empty()) return std::optional<Record<PolicyVersion>>();
  BZ_TRY(auto record, read_record(rows, parse, ""));
  return std::optional(std::move(record));
}

Result<std::vector<Record<PolicyVersion>>> PolicyVersions::list() {
  BZ_TRY(const Rows rows,
         transaction_.query("SELECT " + kColumnsWithout + " FROM bartizan.policy_versions ORDER BY number DESC", {}));
  return read_records(rows, parse);
}

}  // namespace bartizan::store
