// partial, email and regex_replace: parts of a text.
#include "bartizan/policy/plain_regex.hpp"
#include "mask_kinds.hpp"

namespace bartizan::cells {

namespace {

constexpr std::string_view kStars = "***";

class Partial final : public transform::ValueMask {
 public:
  Partial(policy::PartialMask mask, const MaskedType& type) : mask_(std::move(mask)), type_(type) {}

  Result<bool> apply(ByteView canonical, transform::BoundedBytes& out) override {
    const auto text = as_chars(canonical);
    const auto length = count_characters(text);
    CutText seen(type_, out);
    if (length <= std::size_t{mask_.first} + mask_.last) {
      seen.append(mask_.fill);
      return true;
    }
    seen.append(text.substr(0, bytes_of_characters(text, mask_.first)));
    seen.append(mask_.fill);
    seen.append(text.substr(bytes_of_characters(text, length - mask_.last)));
    return true;
  }

 private:
  policy::PartialMask mask_;
  MaskedType type_;
};

class Email final : public transform::ValueMask {
 public:
  Email(const policy::EmailMask& mask, const MaskedType& type) : mask_(mask), type_(type) {}

  Result<bool> apply(ByteView canonical, transform::BoundedBytes& out) override {
    const auto text = as_chars(canonical);
    CutText seen(type_, out);
    const auto at = text.rfind('@');
    if (at == std::string_view::npos) {
      seen.append(kStars);
      return true;
    }
    const auto local = text.substr(0, at);
    if (count_characters(local) > mask_.first) seen.append(local.substr(0, bytes_of_characters(local, mask_.first)));
    seen.append(kStars);
    seen.append(mask_.keep_domain ? text.substr(at) : std::string_view("@***"));
    return true;
  }

 private:
  policy::EmailMask mask_;
  MaskedType type_;
};

class RegexReplace final : public transform::ValueMask {
 public:
  RegexReplace(policy::PlainRegex regex, const MaskedType& type) : regex_(std::move(regex)), type_(type) {}

  Result<bool> apply(ByteView canonical, transform::BoundedBytes& out) override {
    const auto before = out.size();
    CutText seen(type_, out);
    if (regex_.replace(as_chars(canonical), [&](std::string_view part) { seen.append(part); })) return true;
    out.truncate(before);  // so much work that it is given up: nothing is seen
    return false;
  }

 private:
  policy::PlainRegex regex_;
  MaskedType type_;
};

}  // namespace

Result<Mask> text_mask(const policy::RegexReplaceMask& mask, const MaskedType& type) {
  if (!type.is_text()) return not_of_this_type();
  BZ_TRY(auto regex, policy::PlainRegex::make(mask.pattern, mask.replacement));
  return std::make_unique<RegexReplace>(std::move(regex), type);
}

Result<Mask> text_mask(const policy::PartialMask& mask, const MaskedType& type) {
  if (!type.is_text()) return not_of_this_type();
  return std::make_unique<Partial>(mask, type);
}

Result<Mask> text_mask(const policy::EmailMask& mask, const MaskedType& type) {
  if (!type.is_text()) return not_of_this_type();
  return std::make_unique<Email>(mask, type);
}

}  // namespace bartizan::cells
