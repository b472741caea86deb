#include "bartizan/policy/mask_check.hpp"

#include "shop_catalog.hpp"

namespace bartizan::policy {
namespace {

using namespace shop;

struct CheckCase {
  Mask mask;
  sql::Oid type;
  std::int32_t typmod;
  bool fits;
};

TEST_CASE("a mask fits a column or publishing refuses it") {
  const auto c = catalog();
  const JsonPathMask json{{{{"a"}, JsonAction::Remove, ""}}};
  const std::vector<CheckCase> cases = {
      {HashMask{}, kText, -1, true},
      {HashMask{}, kVarchar, length(16), true},
      {HashMask{}, kVarchar, length(15), false},
      {HashMask{}, kBpchar, length(11), false},
      {HashMask{}, kInt8, -1, true},
      {HashMask{}, kInt4, -1, false},
      {HashMask{}, kUuid, -1, true},
      {HashMask{}, kBytea, -1, true},
      {HashMask{}, kDate, -1, false},
      {HashMask{}, kCitext, -1, true},
      {HashMask{}, kFakeText, -1, false},  // called text, and nobody knows what it is
      {HashMask{}, 4711, -1, false},
      {BucketNumberMask{{"0", "18", "65"}}, kInt4, -1, true},
      {BucketNumberMask{{"0", "0.5"}}, kInt4, -1, false},
      {BucketNumberMask{{"40000"}}, kInt2, -1, false},
      {BucketNumberMask{{"0.25"}}, kNumeric, decimal(10, 2), true},
      {BucketNumberMask{{"0.125"}}, kNumeric, decimal(10, 2), false},
      {BucketNumberMask{{"123456789"}}, kNumeric, decimal(10, 2), false},
      {BucketNumberMask{{"0.125"}}, kNumeric, -1, true},
      {BucketNumberMask{{"0.125"}}, kFloat8, -1, true},
      {BucketNumberMask{{"1"}}, kText, -1, false},
      {BucketDateMask{DateUnit::Year}, kDate, -1, true},
      {BucketDateMask{DateUnit::Week}, kDate, -1, true},
      {BucketDateMask{DateUnit::Day}, kDate, -1, false},
      {BucketDateMask{DateUnit::Hour}, kDate, -1, false},
      {BucketDateMask{DateUnit::Hour}, kTimestamptz, -1, true},
      {BucketDateMask{DateUnit::Minute}, kTimestamp, -1, true},
      {BucketDateMask{DateUnit::Year}, kText, -1, false},
      {RedactMask{"REDACTED"}, kText, -1, true},
      {RedactMask{"REDACTED"}, kVarchar, length(7), false},
      {RedactMask{"ÄÖÜ"}, kVarchar, length(3), true},
      {RedactMask{"REDACTED"}, kInt4, -1, false},
      {RedactMask{"0"}, kInt4, -1, true},
      {RedactMask{"1900-01-01"}, kDate, -1, true},
      {RedactMask{"1900"}, kDate, -1, false},
      {RedactMask{"false"}, kBool, -1, true},
      {RedactMask{"no"}, kBool, -1, false},
      {RedactMask{"x"}, kJsonb, -1, false},
      {RandPatternMask{"###-##-####"}, kBpchar, length(11), true},
      {RandPatternMask{"###-##-#####"}, kBpchar, length(11), false},
      {RandPatternMask{"#"}, kInt4, -1, false},
      {RegexReplaceMask{"a", "b"}, kText, -1, true},
      {RegexReplaceMask{"a", "b"}, kInt4, -1, false},
      {PartialMask{0, 4, "***"}, kVarchar, length(7), true},
      {PartialMask{0, 4, "***"}, kVarchar, length(6), false},
      {EmailMask{}, kVarchar, length(60), true},
      {EmailMask{}, kDate, -1, false},
      {NullMask{}, kMood, -1, true},
      {NullMask{}, 4711, -1, true},
      {PassThroughMask{}, kMood, -1, true},
      {ConstantMask{"glad"}, kMood, -1, true},  // the server's to read
      {ConstantMask{"00000000-0000-0000-0000-000000000000"}, kUuid, -1, true},
      {ConstantMask{"0"}, kUuid, -1, false},
      {json, kJsonb, -1, true},
      {json, kJson, -1, false},
      {json, kText, -1, false},
      {EmailMask{}, kEmailDomain, -1, true},
      {RedactMask{"012345678901234567890"}, kEmailDomain, -1, false},  // the domain's own limit is 20
  };
  for (const CheckCase& check : cases) {
    CAPTURE(describe(check.mask));
    CAPTURE(check.type);
    CAPTURE(check.typmod);
    CHECK(check_mask(check.mask, column("x", check.type, check.typmod), *c).has_value() == check.fits);
  }
  CHECK(is_domain(column("x", kEmailDomain), *c));
  CHECK_FALSE(is_domain(column("x", kText), *c));
}

}  // namespace
}  // namespace bartizan::policy
