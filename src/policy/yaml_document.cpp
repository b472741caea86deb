#include "yaml_document.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>

#include "quoting.hpp"

namespace bartizan::policy {
namespace {

/// What ends the parse from within yaml-cpp, which knows only exceptions; caught in parse_yaml.
struct Stop {
  ManifestError error;
};

YamlPosition position(const YAML::Mark& mark) {
  return {static_cast<std::uint32_t>(mark.line + 1), static_cast<std::uint32_t>(mark.column + 1)};
}

[[noreturn]] void stop(const YAML::Mark& mark, std::string message) {
  const YamlPosition at = position(mark);
  throw Stop{{at.line, at.column, std::move(message)}};
}

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

/// Well-formed by RFC 3629 and without NUL, so that the parser, which would take other encodings
/// and mend broken ones, reads the bytes as they are.
bool is_utf8_text(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto at = [&](std::size_t j) { return j < text.size() ? static_cast<unsigned char>(text[j]) : 0u; };
    const unsigned lead = at(i);
    const std::size_t more = lead < 0x80   ? 0
                             : lead < 0xc2 ? 9
                             : lead < 0xe0 ? 1
                             : lead < 0xf0 ? 2
                             : lead < 0xf5 ? 3
                                           : 9;
    if (lead == 0 || more == 9) return false;
    for (std::size_t j = 1; j <= more; ++j) {
      if ((at(i + j) & 0xc0) != 0x80) return false;
    }
    const unsigned second = at(i + 1);
    const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
    const bool outside = (lead == 0xed && second > 0x9f) || (lead == 0xf4 && second > 0x8f);
    if (overlong || outside) return false;
    i += more + 1;
  }
  return true;
}

bool null_word(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

/// Builds the tree from the parser's events. Single use.
class Builder final : public YAML::EventHandler {
 public:
  Builder(std::string_view text, std::vector<YamlNode>& out) : text_(text), documents_(out) {}

  void OnDocumentStart(const YAML::Mark& /*mark*/) override { root_ = YamlNode{}; }
  void OnDocumentEnd() override {
    if (root_.kind != YamlNode::Kind::Null) documents_.push_back(std::move(root_));
    root_ = YamlNode{};
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    YamlNode node;
    node.at = position(mark);
    node.plain = true;
    node.text = null_word_at(mark);
    add(mark, std::move(node));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override { stop(mark, "aliases are not permitted"); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    const bool quoted = tag == "!";
    if (!quoted && !tag.empty() && tag != "?") stop(mark, "explicit types are not permitted");
    YamlNode node;
    node.at = position(mark);
    node.plain = !quoted;
    node.kind = node.plain && null_word(value) ? YamlNode::Kind::Null : YamlNode::Kind::Scalar;
    node.text = value;
    add(mark, std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, YamlNode::Kind::List);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, YamlNode::Kind::Map);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    YamlNode node;
    bool has_key = false;  // of a map: the next node is this key's value
    YamlNode key;
  };

  /// The parser does not say whether `null` was written or nothing, and here it is a mask's name.
  [[nodiscard]] std::string null_word_at(const YAML::Mark& mark) const {
    if (mark.pos < 0 || static_cast<std::size_t>(mark.pos) > text_.size()) return {};
    return text_.substr(static_cast<std::size_t>(mark.pos)).starts_with("null") ? "null" : "";
  }

  static void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) stop(mark, "anchors are not permitted");
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YamlNode::Kind kind) {
    refuse_anchor(mark, anchor);
    if (!tag.empty() && tag != "?" && tag != "!") stop(mark, "explicit types are not permitted");
    if (stack_.size() >= kMaxYamlDepth) stop(mark, fmt::format("nested deeper than {}", kMaxYamlDepth));
    Frame frame;
    frame.node.kind = kind;
    frame.node.at = position(mark);
    stack_.push_back(std::move(frame));
  }

  void close() {
    YamlNode node = std::move(stack_.back().node);
    stack_.pop_back();
    YAML::Mark mark;
    mark.line = static_cast<int>(node.at.line) - 1;
    mark.column = static_cast<int>(node.at.column) - 1;
    add(mark, std::move(node));
  }

  void add(const YAML::Mark& mark, YamlNode node) {
    if (++nodes_ > kMaxYamlNodes) stop(mark, fmt::format("more than {} nodes", kMaxYamlNodes));
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = stack_.back();
    if (frame.node.kind == YamlNode::Kind::List) {
      frame.node.items.push_back(std::move(node));
    } else if (frame.has_key) {
      frame.node.members.push_back({std::move(frame.key), std::move(node)});
      frame.has_key = false;
    } else {
      set_key(mark, frame, std::move(node));
    }
  }

  static void set_key(const YAML::Mark& mark, Frame& frame, YamlNode key) {
    // `null:` is a key like any other (the mask's name), so the word counts, not its meaning.
    const bool word = key.kind == YamlNode::Kind::Scalar || (key.kind == YamlNode::Kind::Null && !key.text.empty());
    if (!word) stop(mark, "a key must be a word");
    if (key.plain && key.text == "<<") stop(mark, "merge keys are not permitted");
    if (frame.node.members.size() >= kMaxYamlKeys) stop(mark, fmt::format("more than {} keys", kMaxYamlKeys));
    if (frame.node.find(key.text) != nullptr) stop(mark, "the key " + in_double_quotes(key.text) + " stands twice");
    frame.key = std::move(key);
    frame.has_key = true;
  }

  std::string_view text_;
  std::vector<YamlNode>& documents_;
  YamlNode root_;
  std::vector<Frame> stack_;
  std::size_t nodes_ = 0;
};

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const noexcept {
  const auto found = std::ranges::find_if(members, [&](const auto& member) { return member.key.text == key; });
  return found == members.end() ? nullptr : &found->value;
}

YamlParse parse_yaml(std::string_view text) {
  YamlParse out;
  if (text.size() > kMaxYamlBytes) {
    out.errors.push_back({0, 0, fmt::format("larger than {} bytes", kMaxYamlBytes)});
    return out;
  }
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (!is_utf8_text(text)) {
    out.errors.push_back({0, 0, "is not UTF-8, or holds a NUL"});
    return out;
  }
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Builder builder(text, out.documents);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Stop& stopped) {
    out.errors.push_back(stopped.error);
  } catch (const YAML::Exception& e) {
    const YamlPosition at = position(e.mark);
    out.errors.push_back({at.line, at.column, "not YAML: " + e.msg});
  } catch (const std::exception&) {
    out.errors.push_back({0, 0, "not YAML"});
  }
  if (!out.errors.empty()) out.documents.clear();
  return out;
}

}  // namespace bartizan::policy
