// bartizan-verify: checks an audit log, one record's proof, or that one checkpoint grew from another,
// with nothing but the files and the log's public key.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>

#include "tree.hpp"

namespace {

using namespace verify;

constexpr int kVerified = 0;
constexpr int kNotVerified = 1;
constexpr int kUsage = 2;
constexpr int kUnreadable = 3;
constexpr std::uint64_t kMaxTicket = std::uint64_t{1} << 36;

constexpr const char* kHelp =
    "bartizan-verify: checks an audit log against its public key\n"
    "\n"
    "  bartizan-verify log --key KEY DIRECTORY        every record of every tree of a log\n"
    "  bartizan-verify tree --key KEY DIRECTORY       one tree, such as a tenant's own copy\n"
    "  bartizan-verify record --key KEY --proof FILE RECORD\n"
    "                                                 one record (its exact bytes) against its tlog-proof\n"
    "  bartizan-verify consistency --key KEY OLD NEW (--tree DIRECTORY | --proof FILE)\n"
    "                                                 the newer checkpoint grew from the older one\n"
    "\n"
    "  --key KEY        the public key, name+id+base64; for `log` that of the log, else that of the tree\n"
    "  --against FILE   a checkpoint kept from earlier, of any tree; may be repeated (log, tree)\n"
    "  --witness KEY    a witness's public key that must have cosigned the checkpoint (of the system tree), or the\n"
    "                   one beside it in checkpoint.cosigned, which the log then must have grown from; may be repeated\n"
    "  --hours          print the number of records of each hour\n"
    "\n"
    "Exit codes: 0 verified, 1 not verified, 2 wrong use, 3 a file can't be read.\n";

constexpr const char* kLimit =
    "limit: this shows that the files are what the key signed. It can't show what happened after the checkpoint\n"
    "limit: or was removed before it was signed (about a second, and longer for statements still running), nor\n"
    "limit: accesses that never went through the gateway. ";
constexpr const char* kLimitAlone =
    "Without --against or --witness it can't tell the newest log from\n"
    "limit: an older copy of it, nor your log from one shown to others under the same key.\n";
constexpr const char* kLimitAnchored =
    "Whether this is the newest log is known as far as the given\n"
    "limit: checkpoints and witnesses reach.\n";

struct Arguments {
  std::string verb;
  std::optional<PublicKey> key;
  std::vector<std::string> against;
  std::vector<PublicKey> witnesses;
  std::string proof;
  std::string tree;
  bool hours = false;
  std::vector<std::string> files;
};

int usage(const std::string& why) {
  std::fprintf(stderr, "bartizan-verify: %s (see bartizan-verify --help)\n", why.c_str());
  return kUsage;
}

int unreadable(const std::string& path) {
  std::fprintf(stderr, "bartizan-verify: %s can't be read\n", path.c_str());
  return kUnreadable;
}

int not_verified(const std::string& why) {
  std::printf("NOT VERIFIED: %s\n", why.c_str());
  return kNotVerified;
}

/// Empty when the arguments make sense so far.
std::string parse(int count, char** values, Arguments& out) {
  for (int i = 1; i < count; ++i) {
    const std::string word = values[i];
    if (out.verb.empty()) {
      out.verb = word;
      continue;
    }
    if (!word.starts_with("--")) {
      out.files.push_back(word);
      continue;
    }
    if (word == "--hours") {
      out.hours = true;
      continue;
    }
    if (i + 1 == count) return word + " needs a value";
    const std::string value = values[++i];
    if (word == "--key" || word == "--witness") {
      const auto key = parse_key(value);
      const bool right = key && key->type == (word == "--key" ? 1 : 4);
      if (!right) return word + " is not a public key of that kind";
      if (word == "--key")
        out.key = key;
      else
        out.witnesses.push_back(*key);
    } else if (word == "--against") {
      out.against.push_back(value);
    } else if (word == "--proof") {
      out.proof = value;
    } else if (word == "--tree") {
      out.tree = value;
    } else {
      return "there is no " + word;
    }
  }
  return out.key ? "" : "--key is missing";
}

/// What all trees of one run tell together.
class Report {
 public:
  explicit Report(const Arguments& arguments) : arguments_(arguments) {}

  /// Reads the checkpoints that were kept. Their signatures count as any other's. Empty when all is well.
  std::string keep(const PublicKey& log) {
    for (const auto& path : arguments_.against) {
      const auto note = read_file(path);
      if (!note) return path + " can't be read";
      const auto origin = note->substr(0, note->find('\n'));
      std::string error;
      const auto checkpoint = open_checkpoint(*note, named(log, origin), error);
      if (!checkpoint) return path + ": " + error;
      known_[origin].emplace(checkpoint->size, std::pair{checkpoint->root, "the checkpoint in " + path});
    }
    return {};
  }

  void tree(const std::string& folder, const PublicKey& key) {
    ++trees_;
    const auto note = read_file(folder + "/checkpoint");
    std::string error = "its checkpoint is missing";
    const auto checkpoint = note ? open_checkpoint(*note, key, error) : std::nullopt;
    if (!checkpoint) {
      finding({key.name, std::nullopt, "the checkpoint: " + error});
      return;
    }
    seen_.insert(key.name);
    TreeCheck check{folder, *checkpoint, known_[key.name], {}, 0};
    if (const auto statement = read_file(folder + "/pruned")) {
      const auto minimum = open_pruned(*statement, key);
      check.pruned = minimum.value_or(0);
      if (!minimum)
        finding({key.name, std::nullopt, "the statement of what was pruned is not signed by the log's key"});
      if (minimum)
        std::printf("tree %s: the log has signed that records below index %llu were pruned; their hashes count\n",
                    key.name.c_str(), static_cast<unsigned long long>(*minimum));
    }
    check.entry = [&](std::uint64_t index, std::string_view entry) { record(key, index, entry); };
    for (const auto& found : check_tree(check)) finding(found);
    std::printf("tree %s: %llu records, root %s\n", key.name.c_str(), static_cast<unsigned long long>(checkpoint->size),
                to_base64(chars(checkpoint->root)).c_str());
  }

  /// What a witness cosigned, the tree's checkpoint or the one kept beside it, counts as any kept from earlier.
  void witnesses(const std::string& folder, const PublicKey& key) {
    std::error_code none;
    std::set<std::string> files;  // the tree's own comes first
    for (std::filesystem::directory_iterator at(folder, none), end; !none && at != end; at.increment(none))
      if (at->path().filename().string().starts_with("checkpoint")) files.insert(at->path().string());
    for (const auto& witness : arguments_.witnesses) {
      std::optional<std::uint64_t> seconds;
      for (const auto& file : files) {
        const std::string note = read_file(file).value_or("");
        std::string error;
        const auto checkpoint = open_checkpoint(note, key, error);
        if (seconds || !checkpoint || !(seconds = cosigned_at(note, witness))) continue;
        known_[key.name].emplace(checkpoint->size,
                                 std::pair{checkpoint->root, "the checkpoint that " + witness.name + " cosigned"});
        std::printf("witness %s: cosigned %llu entries at %llu\n", witness.name.c_str(),
                    static_cast<unsigned long long>(checkpoint->size), static_cast<unsigned long long>(*seconds));
      }
      if (!seconds) finding({witness.name, std::nullopt, "the witness has cosigned no checkpoint in " + folder});
    }
  }

  /// Checkpoints that speak of trees which are not there.
  void missing_trees() {
    for (const auto& [origin, roots] : known_)
      if (!roots.empty() && !seen_.contains(origin))
        finding({origin, std::nullopt, "the tree is missing, though there are checkpoints of it"});
  }

  int finish() {
    std::printf("records: %llu in %llu trees\n", static_cast<unsigned long long>(records_),
                static_cast<unsigned long long>(trees_));
    if (highest_ > records_)
      std::printf(
          "tickets: %llu of %llu are not in a tree; they were running or not integrated at the checkpoint,\n"
          "tickets: or belong to trees that are not here, or were pruned\n",
          static_cast<unsigned long long>(highest_ - records_), static_cast<unsigned long long>(highest_));
    if (arguments_.hours)
      for (const auto& [hour, count] : hours_)
        std::printf("hour %llu: %llu\n", static_cast<unsigned long long>(hour * 3600),
                    static_cast<unsigned long long>(count));
    const bool alone = arguments_.against.empty() && arguments_.witnesses.empty();
    std::printf("%s%s", kLimit, alone ? kLimitAlone : kLimitAnchored);
    if (findings_ == 0) std::printf("VERIFIED\n");
    if (findings_ != 0) std::printf("NOT VERIFIED: %llu findings\n", static_cast<unsigned long long>(findings_));
    return findings_ == 0 ? kVerified : kNotVerified;
  }

 private:
  void finding(const Finding& found) {
    ++findings_;
    const std::string at = found.index ? " index " + std::to_string(*found.index) : std::string();
    std::printf("finding: %s%s: %s\n", found.tree.c_str(), at.c_str(), found.what.c_str());
  }

  static std::uint64_t number_after(std::string_view entry, std::string_view name) {
    const auto at = entry.find(name);
    if (at == std::string_view::npos) return 0;
    const auto digits = entry.substr(at + name.size());
    return from_decimal(digits.substr(0, digits.find_first_not_of("0123456789"))).value_or(0);
  }

  void record(const PublicKey& tree, std::uint64_t index, std::string_view entry) {
    if (!entry.starts_with('{')) {
      const std::string origin(entry.substr(0, entry.find('\n')));
      std::string error;
      const auto checkpoint = open_checkpoint(entry, named(*arguments_.key, origin), error);
      if (!checkpoint)
        finding({tree.name, index, "neither a record nor a checkpoint of this log: " + error});
      else
        known_[origin].emplace(checkpoint->size,
                               std::pair{checkpoint->root, tree.name + " at index " + std::to_string(index)});
      return;
    }
    ++records_;
    ++hours_[number_after(entry, "\"time\":") / 3'600'000];
    const std::uint64_t ticket = number_after(entry, "\"uid\":\"");
    if (ticket >= kMaxTicket) {
      finding({tree.name, index, "its ticket is not one that a log gets to"});
      return;
    }
    highest_ = std::max(highest_, ticket);
    if (ticket >= bits_.size()) bits_.resize(std::max<std::size_t>(ticket + 1, bits_.size() * 2));
    if (bits_[ticket]) finding({tree.name, index, "ticket " + std::to_string(ticket) + " is in the log twice"});
    bits_[ticket] = true;
  }

  const Arguments& arguments_;
  std::map<std::string, std::multimap<std::uint64_t, std::pair<Hash, std::string>>> known_;  // by origin
  std::set<std::string> seen_;
  std::map<std::uint64_t, std::uint64_t> hours_;
  std::vector<bool> bits_;
  std::uint64_t highest_ = 0;
  std::uint64_t records_ = 0;
  std::uint64_t trees_ = 0;
  std::uint64_t findings_ = 0;
};

int verify_log(const Arguments& arguments) {
  if (arguments.files.size() != 1) return usage("`log` takes one directory");
  const std::string root = arguments.files[0] + "/tree";
  std::error_code error;
  std::vector<std::string> names;
  std::filesystem::directory_iterator at(root, error);
  for (; !error && at != std::filesystem::directory_iterator(); at.increment(error))
    names.push_back(at->path().filename().string());
  if (error) return unreadable(root);
  std::sort(names.begin(), names.end());
  Report report(arguments);
  if (const auto why = report.keep(*arguments.key); !why.empty()) return not_verified(why);
  // The system tree first: it knows roots of all others. It has to be there.
  std::erase(names, "system");
  names.insert(names.begin(), "system");
  report.witnesses(root + "/system", named(*arguments.key, arguments.key->name + "/system"));
  for (const auto& name : names)
    report.tree(root + "/" + name, named(*arguments.key, arguments.key->name + "/" + name));
  report.missing_trees();
  return report.finish();
}

int verify_tree(const Arguments& arguments) {
  if (arguments.files.size() != 1) return usage("`tree` takes one directory");
  Report report(arguments);
  if (const auto why = report.keep(*arguments.key); !why.empty()) return not_verified(why);
  report.witnesses(arguments.files[0], *arguments.key);
  report.tree(arguments.files[0], *arguments.key);
  return report.finish();
}

/// Lines of base64 up to an empty line or the end.
std::optional<std::vector<Hash>> take_hashes(std::string_view& text) {
  std::vector<Hash> out;
  while (!text.empty()) {
    const auto line = take_line(text);
    if (!line) return std::nullopt;
    if (line->empty()) return out;
    const auto hash = hash_from_base64(*line);
    if (!hash || out.size() == 64) return std::nullopt;
    out.push_back(*hash);
  }
  return out;
}

int verify_record(const Arguments& arguments) {
  if (arguments.files.size() != 1 || arguments.proof.empty()) return usage("`record` takes a record and --proof");
  const auto record = read_file(arguments.files[0]);
  const auto text = read_file(arguments.proof);
  if (!record || !text) return unreadable(!record ? arguments.files[0] : arguments.proof);
  std::string_view rest = *text;
  auto line = take_line(rest);
  if (!line || *line != "c2sp.org/tlog-proof@v1") return not_verified("the proof is not a tlog-proof");
  line = take_line(rest);
  if (line && line->starts_with("extra ")) line = take_line(rest);
  const auto index = line && line->starts_with("index ") ? from_decimal(line->substr(6)) : std::nullopt;
  const auto hashes = take_hashes(rest);
  if (!index || !hashes) return not_verified("the proof is not a tlog-proof");
  std::string error;
  const auto checkpoint = open_checkpoint(rest, *arguments.key, error);
  if (!checkpoint) return not_verified("the proof's checkpoint: " + error);
  if (!verify_inclusion(leaf_hash(*record), *index, checkpoint->size, checkpoint->root, *hashes))
    return not_verified("the record is not at index " + std::to_string(*index) + " of the tree that was signed");
  for (const auto& witness : arguments.witnesses)
    if (!cosigned_at(rest, witness)) return not_verified(witness.name + " has not cosigned the proof's checkpoint");
  std::printf(
      "the record is at index %llu of %s, in its tree of %llu records\n%s%s"
      "VERIFIED\n",
      static_cast<unsigned long long>(*index), checkpoint->origin.c_str(),
      static_cast<unsigned long long>(checkpoint->size), kLimit,
      arguments.witnesses.empty() ? kLimitAlone : kLimitAnchored);
  return kVerified;
}

int verify_growth(const Arguments& arguments) {
  if (arguments.files.size() != 2 || arguments.proof.empty() == arguments.tree.empty())
    return usage("`consistency` takes two checkpoints, and --tree or --proof");
  std::vector<Checkpoint> both;
  for (const auto& path : arguments.files) {
    const auto note = read_file(path);
    if (!note) return unreadable(path);
    std::string error;
    const auto checkpoint = open_checkpoint(*note, *arguments.key, error);
    if (!checkpoint) return not_verified(path + ": " + error);
    both.push_back(*checkpoint);
  }
  if (both[0].size > both[1].size)
    return not_verified("the newer checkpoint has " + std::to_string(both[1].size) + " records, the older one " +
                        std::to_string(both[0].size));
  bool grew = false;
  if (!arguments.proof.empty()) {
    const auto text = read_file(arguments.proof);
    if (!text) return unreadable(arguments.proof);
    std::string_view rest = *text;
    const auto hashes = take_hashes(rest);
    grew = hashes && verify_consistency(both[0].size, both[0].root, both[1].size, both[1].root, *hashes);
  } else {
    grew =
        root_at(arguments.tree, both[0].size) == both[0].root && root_at(arguments.tree, both[1].size) == both[1].root;
  }
  if (!grew)
    return not_verified("the tree of " + std::to_string(both[1].size) + " records did not grow from that of " +
                        std::to_string(both[0].size) + ": the log was rewritten or forked before index " +
                        std::to_string(both[0].size));
  std::printf(
      "%s grew from %llu to %llu records\n%s%s"
      "VERIFIED\n",
      both[0].origin.c_str(), static_cast<unsigned long long>(both[0].size),
      static_cast<unsigned long long>(both[1].size), kLimit, kLimitAnchored);
  return kVerified;
}

}  // namespace

int main(int count, char** values) {
  if (count == 2 && (std::string_view(values[1]) == "--help" || std::string_view(values[1]) == "help")) {
    std::fputs(kHelp, stdout);
    return kVerified;
  }
  Arguments arguments;
  if (const auto why = parse(count, values, arguments); !why.empty()) return usage(why);
  if (arguments.verb == "log") return verify_log(arguments);
  if (arguments.verb == "tree") return verify_tree(arguments);
  if (arguments.verb == "record") return verify_record(arguments);
  if (arguments.verb == "consistency") return verify_growth(arguments);
  return usage("there is no verb " + arguments.verb);
}
