// Our own kinds of manifest: what policies lean on.
#pragma once

#include "bartizan/policy/data_policy.hpp"
#include "bartizan/policy/policy_test.hpp"
#include "manifest_fields.hpp"

namespace bartizan::policy {

void read_classification(const YamlNode& node, const PolicyHead& head, PolicySet& out, ManifestErrors& errors);
void read_group(const YamlNode& node, const PolicyHead& head, PolicySet& out, ManifestErrors& errors);
void read_grant(const YamlNode& node, const PolicyHead& head, PolicySet& out, ManifestErrors& errors);
void read_attributes(const YamlNode& node, const PolicyHead& head, PolicySet& out, ManifestErrors& errors);
void read_tenancy(const YamlNode& node, const PolicyHead& head, PolicySet& out, ManifestErrors& errors);
void read_mapping(const YamlNode& node, const PolicyHead& head, PolicySet& out, ManifestErrors& errors);
/// manifest_tests.cpp
void read_test(const YamlNode& node, const PolicyHead& head, std::vector<PolicyTest>& out, ManifestErrors& errors);

}  // namespace bartizan::policy
