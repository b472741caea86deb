// json_path over the text that PostgreSQL prints of a jsonb, which is what cells hold: what is not edited is
// copied as it stands. The order of keys, numbers and spaces is PostgreSQL's own already, and edits keep it.
#include <algorithm>
#include <span>

#include "bartizan/crypto/hmac_key.hpp"
#include "bartizan/transform/cell.hpp"
#include "mask_kinds.hpp"

namespace bartizan::cells {

namespace {

tl::unexpected<Error> not_canonical() { return fail(Errc::Crypto, "the encrypted value does not open"); }

/// escape_json of PostgreSQL.
std::string quoted(std::string_view text) {
  constexpr std::string_view kSpecial = "\b\f\n\r\t\"\\", kLetters = "bfnrt\"\\", kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    if (const auto special = kSpecial.find(c); special != std::string_view::npos) {
      out.append({'\\', kLetters[special]});
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out.append("\\u00").append({kHex[static_cast<unsigned char>(c) >> 4], kHex[static_cast<unsigned char>(c) & 15]});
    } else {
      out.push_back(c);
    }
  }
  return out.append("\"");
}

/// What a printed string says. The escapes are those of quoted().
void append_decoded(std::string_view printed, transform::BoundedBytes& out) {
  constexpr std::string_view kLetters = "bfnrt", kMeant = "\b\f\n\r\t";
  for (std::size_t at = 1; at + 1 < printed.size(); ++at) {
    if (printed[at] != '\\') {
      out.append(printed[at]);
      continue;
    }
    const char c = printed[++at];
    if (c == 'u') {
      const auto byte = hex_decode(printed.substr(std::min(at + 3, printed.size()), 2));
      if (byte && byte->size() == 1) out.append(ByteView(*byte));
      at += 4;
    } else if (const auto letter = kLetters.find(c); letter != std::string_view::npos) {
      out.append(kMeant[letter]);
    } else {
      out.append(c);
    }
  }
}

/// Applies one edit to one document.
class Editor {
 public:
  Editor(const policy::JsonEdit& edit, crypto::HmacSha256Key* key, std::string_view text, transform::BoundedBytes& out,
         transform::WipedBytes& scratch)
      : edit_(edit), key_(key), text_(text), out_(out), scratch_(scratch) {}

  /// False: the text is no document as PostgreSQL prints it.
  bool run() { return value(edit_.path) && at_ == text_.size() && !text_.empty(); }

 private:
  using Path = std::span<const std::string>;

  bool value(Path path) {
    if (at_ >= text_.size()) return false;
    if (text_[at_] == '{') return object(path);
    if (text_[at_] == '[' && path[0] == "*") return array(path);
    return copied();
  }

  bool object(Path path) {
    const bool last = path.size() == 1;
    bool first = true;
    out_.append(text_[at_++]);
    if (at_ < text_.size() && text_[at_] == '}') return take('}', true);
    for (;;) {
      const auto key = skipped();
      if (key.size() < 2 || key[0] != '"' || !take(':', false) || !take(' ', false)) return false;
      const bool meant = path[0] == "*" || is_key(key, path[0]);
      if (meant && last && edit_.action == policy::JsonAction::Remove) {
        if (skipped().empty()) return false;
      } else {
        if (!first) out_.append(std::string_view(", "));
        first = false;
        out_.append(key);
        out_.append(std::string_view(": "));
        if (!(meant ? member(path) : copied())) return false;
      }
      if (take('}', true)) return true;
      if (!take(',', false) || !take(' ', false)) return false;
    }
  }

  bool array(Path path) {
    if (path.size() == 1 && edit_.action == policy::JsonAction::Remove) {
      out_.append(std::string_view("[]"));
      return !skipped().empty();
    }
    out_.append(text_[at_++]);
    if (at_ < text_.size() && text_[at_] == ']') return take(']', true);
    for (;;) {
      if (!member(path)) return false;
      if (take(']', true)) return true;
      if (!take(',', true) || !take(' ', true)) return false;
    }
  }

  /// One that the first step of the path means.
  bool member(Path path) {
    if (path.size() > 1) return value(path.subspan(1));
    const auto old = skipped();
    if (old.empty()) return false;
    switch (edit_.action) {
      case policy::JsonAction::Redact: out_.append(quoted(edit_.replacement)); return true;
      case policy::JsonAction::Hash: return hash(old);
      case policy::JsonAction::Remove:
      case policy::JsonAction::Null: break;
    }
    out_.append(std::string_view("null"));
    return true;
  }

  bool hash(std::string_view old) {
    if (old == "null") {
      out_.append(old);
      return true;
    }
    if (key_ == nullptr) return false;
    transform::BoundedBytes said(scratch_.use(old.size()), old.size());
    if (old[0] == '"')
      append_decoded(old, said);
    else
      said.append(old);
    out_.append('"');
    out_.append(hex_encode(key_->mac({scratch_.view()})));
    out_.append('"');
    scratch_.clear();
    return true;
  }

  bool is_key(std::string_view printed, std::string_view step) {
    if (printed.find('\\') == std::string_view::npos) return printed.substr(1, printed.size() - 2) == step;
    transform::BoundedBytes said(scratch_.use(printed.size()), printed.size());
    append_decoded(printed, said);
    const bool same = as_chars(scratch_.view()) == step;
    scratch_.clear();
    return same;
  }

  bool take(char c, bool keep) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    if (keep) out_.append(c);
    return true;
  }

  bool copied() {
    const auto whole = skipped();
    out_.append(whole);
    return !whole.empty();
  }

  /// The value or key that begins here; empty: it has no end.
  std::string_view skipped() {
    const auto start = at_;
    std::size_t open = 0;
    bool in_string = false;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (in_string) {
        if (c == '\\') ++at_;
        if (c != '"') continue;
        in_string = false;
      } else if (c == '"') {
        in_string = true;
        continue;
      } else if (c == '{' || c == '[') {
        ++open;
        continue;
      } else if (c == '}' || c == ']') {
        if (open == 0) break;  // of what holds this one
        --open;
      } else if (c == ',' && open == 0) {
        break;
      } else {
        continue;
      }
      if (open == 0) {
        ++at_;
        return text_.substr(start, at_ - start);
      }
    }
    // A number or a word: what ends it is no part of it.
    return open != 0 || in_string || at_ > text_.size() ? std::string_view{} : text_.substr(start, at_ - start);
  }

  const policy::JsonEdit& edit_;
  crypto::HmacSha256Key* key_;
  std::string_view text_;
  transform::BoundedBytes& out_;
  transform::WipedBytes& scratch_;
  std::size_t at_ = 0;
};

class JsonPath final : public transform::ValueMask {
 public:
  JsonPath(policy::JsonPathMask mask, const SecretBytes& key) : mask_(std::move(mask)) {
    if (!key.empty()) key_.emplace(key.reveal());
  }

  Result<bool> apply(ByteView canonical, transform::BoundedBytes& out) override {
    const transform::WipedBytes* from = nullptr;
    for (std::size_t i = 0; i < mask_.edits.size(); ++i) {
      auto& to = i % 2 == 0 ? one_ : other_;
      const auto text = from == nullptr ? canonical : from->view();
      transform::BoundedBytes edited(to.use(text.size() + kRoom), transform::kMaxPlaintextBytes);
      Editor editor(mask_.edits[i], key_ ? &*key_ : nullptr, as_chars(text), edited, scratch_);
      if (!editor.run()) return not_canonical();
      if (edited.overflowed()) return fail(Errc::TooLarge, "the value is longer than permitted");
      from = &to;
    }
    out.append(from == nullptr ? canonical : from->view());
    one_.clear();
    other_.clear();
    return true;
  }

 private:
  static constexpr std::size_t kRoom = 1024;
  policy::JsonPathMask mask_;
  std::optional<crypto::HmacSha256Key> key_;
  transform::WipedBytes one_;
  transform::WipedBytes other_;
  transform::WipedBytes scratch_;
};

}  // namespace

Result<Mask> json_mask(const policy::JsonPathMask& mask, const MaskedType& type, const SecretBytes& key) {
  if (type.type != transform::ValueType::Jsonb) return not_of_this_type();
  for (const auto& edit : mask.edits) {
    if (edit.path.empty()) return fail(Errc::InvalidArgument, "json_path needs a path");
    if (edit.action == policy::JsonAction::Hash && key.empty())
      return fail(Errc::FailedPrecondition, "the class has no key for tokens");
  }
  return std::make_unique<JsonPath>(mask, key);
}

}  // namespace bartizan::cells
