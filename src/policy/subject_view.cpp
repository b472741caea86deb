#include "subject_view.hpp"

#include <algorithm>

#include "bartizan/base/uuid.hpp"
#include "decimal.hpp"
#include "moment.hpp"

namespace bartizan::policy {
namespace {

const Group* group_named(const PolicySet& policies, std::string_view name) {
  const auto found = std::ranges::find_if(policies.groups, [&](const Group& g) { return g.head.name == name; });
  return found == policies.groups.end() ? nullptr : &*found;
}

/// PostgreSQL's literal of a one-dimensional text array.
std::string array_literal(std::string_view comma_separated) {
  std::string out = "{";
  for (std::size_t from = 0; from <= comma_separated.size();) {
    const std::size_t end = std::min(comma_separated.find(',', from), comma_separated.size());
    if (out.size() > 1) out += ',';
    out += '"';
    for (const char c : comma_separated.substr(from, end - from)) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
    from = end + 1;
  }
  return out + "}";
}

/// Who someone is and what roles he has is told by no free tag.
bool names_somebody(std::string_view tag) {
  return tag.starts_with("users:id:") || tag.starts_with("roles:id:") || tag.starts_with("groups:id:");
}

void consider(const TimeSpan& span, WallTime now, std::optional<WallTime>& next) {
  for (const auto& boundary : {span.from, span.until}) {
    if (boundary && *boundary > now && (!next || *boundary < *next)) next = boundary;
  }
}

}  // namespace

SubjectView::SubjectView(const PolicySet& policies, const SubjectFacts& facts) : facts_(facts) {
  for (const std::string& tag : facts.tags) {
    if (!names_somebody(tag)) tags_.push_back(tag);
  }
  tags_.push_back("users:id:" + facts.identity);
  for (const std::string& role : facts.roles) tags_.push_back("roles:id:" + role);
  for (const std::string& name : facts.groups) {
    tags_.push_back("groups:id:" + name);
    const Group* group = group_named(policies, name);
    for (const std::string& role : group == nullptr ? std::vector<std::string>() : group->roles)
      tags_.push_back("roles:id:" + role);
  }
  // Grants look at who someone is without any grant, so that none leads to another.
  std::vector<const PurposeGrant*> live;
  for (const PurposeGrant& grant : policies.grants) {
    if (grant.time.contains(facts.moment) && matches(grant.subjects)) live.push_back(&grant);
  }
  const auto backs = [&](const PurposeGrant* grant) {
    return facts.purpose && !facts.purpose->empty() && grant->purpose == *facts.purpose;
  };
  if (std::ranges::any_of(live, backs)) purpose_ = facts.purpose;
  for (const PurposeGrant* grant : live) {
    if (!grant->purpose.empty() && grant->purpose != purpose_) continue;
    for (const std::string& role : grant->roles) tags_.push_back("roles:id:" + role);
  }
}

bool SubjectView::bears_all(const std::vector<Glob>& globs) const {
  return std::ranges::all_of(globs, [&](const Glob& glob) {
    return std::ranges::any_of(tags_, [&](const std::string& tag) { return glob.matches(tag); });
  });
}

bool SubjectView::matches(const TagExpression& expression) const {
  return std::ranges::any_of(expression.any_of, [&](const auto& globs) { return bears_all(globs); });
}

bool SubjectView::matches(const UserSelector& selector) const {
  const auto bears = [&](const std::vector<Glob>& globs) { return bears_all(globs); };
  if (selector.tags.empty()) return false;
  return selector.match == Match::Any ? std::ranges::any_of(selector.tags, bears)
                                      : std::ranges::all_of(selector.tags, bears);
}

Holds SubjectView::holds(const Condition& condition) const {
  if (!condition.time.contains(facts_.moment)) return Holds::No;
  if (!condition.purposes.empty() && std::ranges::find(condition.purposes, purpose_) == condition.purposes.end())
    return Holds::No;
  Holds result = Holds::Yes;
  for (const Condition::AttributeIn& wanted : condition.attributes) {
    const auto value = attribute(wanted.name);
    if (!value) {
      result = Holds::Unknown;
    } else if (std::ranges::find(wanted.values, *value) == wanted.values.end()) {
      return Holds::No;
    }
  }
  return result;
}

std::optional<std::string> SubjectView::attribute(std::string_view name) const {
  if (name == kTenantAttribute) return facts_.tenant;
  if (name == "identity") return facts_.identity;
  if (name == "purpose") return purpose_;
  const auto found = facts_.attributes.find(name);
  return found == facts_.attributes.end() ? std::nullopt : std::optional(found->second);
}

std::optional<WallTime> next_boundary(const PolicySet& policies, WallTime now) {
  std::optional<WallTime> next;
  for (const PurposeGrant& grant : policies.grants) consider(grant.time, now, next);
  for (const AccessPolicy& policy : policies.access) consider(policy.condition.time, now, next);
  for (const DataPolicy& policy : policies.data) consider(policy.condition.time, now, next);
  return next;
}

std::optional<std::string> typed_value(std::string_view text, AttributeType type) {
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  const auto number = Decimal::parse(text);
  switch (type) {
    case AttributeType::Text: return std::string(text);
    case AttributeType::Bigint: return number && number->fits_integer(8) ? std::optional(number->text()) : std::nullopt;
    case AttributeType::Numeric: return number ? std::optional(number->text()) : std::nullopt;
    case AttributeType::Boolean:
      return text == "true" || text == "false" ? std::optional(std::string(text)) : std::nullopt;
    case AttributeType::Uuid: {
      const auto uuid = Uuid::parse(text);
      return uuid ? std::optional(uuid->to_string()) : std::nullopt;
    }
    case AttributeType::Date: return parse_date(text) ? std::optional(std::string(text)) : std::nullopt;
    case AttributeType::Timestamptz:
      // A bare date would be taken at midnight in the session's zone: the zone is said.
      return parse_moment(text) && text.size() > 10 ? std::optional(std::string(text)) : std::nullopt;
    case AttributeType::TextArray: return array_literal(text);
  }
  return std::nullopt;
}

}  // namespace bartizan::policy
