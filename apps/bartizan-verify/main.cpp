// bartizan-verify: checks an audit log, one record's proof, or that one checkpoint grew from another,
// with nothing but the files and the log's public key.
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "verify.hpp"

namespace {

using namespace verify;

enum Exit : int { kVerified, kNotVerified, kUsage, kUnreadable };
constexpr std::uint64_t kMaxTicket = std::uint64_t{1} << 36;
constexpr std::uint64_t kHour = 3600;
constexpr std::uint64_t kYear = 365 * 24 * kHour;

constexpr const char* kHelp =
    "bartizan-verify: checks an audit log against its public key\n\n"
    "  bartizan-verify log --key KEY DIRECTORY        every record of every tree of a log\n"
    "  bartizan-verify tree --key KEY DIRECTORY       one tree, such as a tenant's own copy\n"
    "  bartizan-verify record --key KEY --proof FILE RECORD\n"
    "                                                 one record (its exact bytes) against its tlog-proof\n"
    "  bartizan-verify consistency --key KEY OLD NEW (--tree DIRECTORY | --proof FILE)\n"
    "                                                 the newer checkpoint grew from the older one\n\n"
    "  --key KEY        the public key, name+id+base64; for `log` that of the log, else that of the tree\n"
    "  --against FILE   a checkpoint kept from earlier, of any tree; may be repeated (log, tree)\n"
    "  --witness KEY    a witness's public key that must have cosigned the checkpoint (of the system tree), or the\n"
    "                   one beside it in checkpoint.cosigned, which the log then must have grown from; may be repeated\n"
    "  --keys FOLDER    the notes by which the log's keys introduced one another; else keys in DIRECTORY, if there\n"
    "  --hours          print the number of records of each hour\n\n"
    "Exit codes: 0 verified, 1 not verified, 2 wrong use, 3 a file can't be read.\n";

constexpr const char* kLimit =
    "limit: this shows that the files are what the key signed. It can't show what happened after the checkpoint, was\n"
    "limit: removed before it was signed (about a second) unless the gateway's own hourly counts tell, or never went\n"
    "limit: through the gateway. ";
constexpr const char* kLimitAlone =
    "Without --against or --witness it can't tell the newest log from\n"
    "limit: an older copy of it, nor your log from one shown to others under the same key.\n";
constexpr const char* kLimitAnchored =
    "Whether this is the newest log is known as far as the given\n"
    "limit: checkpoints and witnesses reach.\n";

struct Arguments {
  std::string verb, proof, tree, keys;
  std::vector<std::string> against, files;
  std::optional<PublicKey> key;
  std::vector<PublicKey> witnesses;
  bool hours = false;
};

int complain(Exit code, const std::string& why) {
  return std::fprintf(stderr, "bartizan-verify: %s\n", why.c_str()), code;
}

int usage(const std::string& why) { return complain(kUsage, why + " (see bartizan-verify --help)"); }
int unreadable(const std::string& path) { return complain(kUnreadable, path + " can't be read"); }
void say(const std::string& line) { std::printf("%s\n", line.c_str()); }

int not_verified(const std::string& why) { return say("NOT VERIFIED: " + why), kNotVerified; }

int verified(const std::string& what, bool anchored) {
  say(what + "\n" + kLimit + (anchored ? kLimitAnchored : kLimitAlone) + "VERIFIED");
  return kVerified;
}

const std::set<std::string> kOptions = {"--key", "--keys", "--witness", "--against", "--proof", "--tree", "--hours"};

/// Empty when the arguments make sense so far.
std::string parse(int count, char** values, Arguments& out) {
  for (int i = 1; i < count; ++i) {
    const std::string word = values[i];
    if (!word.starts_with("--")) {
      (out.verb.empty() ? out.verb : out.files.emplace_back()) = word;
      continue;
    }
    if (!kOptions.contains(word)) return "there is no " + word;
    if ((out.hours |= word == "--hours") && word == "--hours") continue;
    if (i + 1 == count) return word + " needs a value";
    const auto key = parse_key(values[++i]);
    if ((word == "--key" || word == "--witness") && (!key || key->type != (word == "--key" ? 1 : 4)))
      return word + " is not a public key of that kind";
    if (word == "--key") out.key = key;
    if (word == "--witness") out.witnesses.push_back(*key);
    if (word == "--against") out.against.emplace_back(values[i]);
    if (word == "--proof" || word == "--tree" || word == "--keys")
      (word == "--proof" ? out.proof : word == "--tree" ? out.tree : out.keys) = values[i];
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
      const auto checkpoint = open_checkpoint(*note, named(log, note->substr(0, note->find('\n'))));
      if (!checkpoint.error.empty()) return path + ": " + checkpoint.error;
      know(checkpoint, "the checkpoint in " + path);
    }
    return {};
  }

  void tree(const std::string& folder, const PublicKey& key) {
    ++trees_;
    const auto note = read_file(folder + "/checkpoint");
    const auto checkpoint = open_checkpoint(note.value_or(""), key, true);
    if (!note) return finding(key.name, std::nullopt, "the checkpoint is missing");
    if (!checkpoint.error.empty()) return finding(key.name, std::nullopt, "the checkpoint: " + checkpoint.error);
    seen_.insert(key.name);
    TreeCheck check{folder, checkpoint, known_[key.name], {}, finding_, 0};
    std::uint64_t kept_from = 0;
    const auto statement = read_file(folder + "/pruned");
    if (const auto pruned = open_pruned(statement.value_or(""), key)) {
      check.pruned = pruned->minimum;
      // Nothing younger than a year is pruned. The hour that was then begun may have lost a part.
      kept_from = pruned->seconds - std::min(pruned->seconds, kYear) + kHour;
      say("tree " + key.name + ": the log has signed that records below index " + text(pruned->minimum) +
          " were pruned; their hashes count");
    } else if (statement) {
      finding(key.name, std::nullopt, "the statement of what was pruned is not signed by the log's key");
    }
    check.entry = [&](std::uint64_t index, std::string_view entry) { record(key, index, entry); };
    check_tree(check);
    counts_.end_tree(key.name, kept_from);
    say("tree " + key.name + ": " + text(checkpoint.size) + " records, root " + to_base64(chars(checkpoint.root)));
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
        const auto checkpoint = open_checkpoint(note, key);
        if (seconds || !checkpoint.error.empty() || !(seconds = cosigned_at(note, witness))) continue;
        know(checkpoint, "the checkpoint that " + witness.name + " cosigned");
        say("witness " + witness.name + ": cosigned " + text(checkpoint.size) + " entries at " + text(*seconds));
      }
      if (!seconds) finding(witness.name, std::nullopt, "the witness has cosigned no checkpoint in " + folder);
    }
  }

  /// Checkpoints that speak of trees which are not there, and counts that don't add up.
  void whole_log(const std::string& system) {
    counts_.end_log(system, bits_);
    for (const auto& [origin, roots] : known_)
      if (!roots.empty() && !seen_.contains(origin))
        finding(origin, std::nullopt, "the tree is missing, though there are checkpoints of it");
  }

  int finish() {
    say("records: " + text(records_) + " in " + text(trees_) + " trees");
    if (highest_ > records_)
      say("tickets: " + text(highest_ - records_) + " of " + text(highest_) +
          " are in no tree here: running, pruned or another tree's");
    say("counts: " + counts_.summary());
    for (const auto& [hour, count] : hours_)
      if (arguments_.hours) say("hour " + text(hour * 3600) + ": " + text(count));
    const bool anchored = !arguments_.against.empty() || !arguments_.witnesses.empty();
    if (findings_ == 0) return verified("findings: none", anchored);
    std::printf("%s%s", kLimit, anchored ? kLimitAnchored : kLimitAlone);
    return not_verified(text(findings_) + " findings");
  }

 private:
  void finding(const std::string& tree, std::optional<std::uint64_t> index, const std::string& what) {
    ++findings_;
    say("finding: " + tree + (index ? " index " + text(*index) : std::string()) + ": " + what);
  }

  void know(const Checkpoint& checkpoint, const std::string& by) {
    known_[checkpoint.origin].emplace(checkpoint.size, std::pair{checkpoint.root, by});
  }

  void record(const PublicKey& tree, std::uint64_t index, std::string_view entry) {
    if (!entry.starts_with('{')) {
      const auto checkpoint =
          open_checkpoint(entry, named(*arguments_.key, std::string(entry.substr(0, entry.find('\n')))));
      if (checkpoint.error.empty()) return know(checkpoint, tree.name + " at index " + text(index));
      return finding(tree.name, index, "neither a record nor a checkpoint of this log: " + checkpoint.error);
    }
    ++records_;
    ++hours_[number_after(entry, "\"time\":") / 3'600'000];
    const std::uint64_t ticket = number_after(entry, "\"uid\":\"");
    if (ticket >= kMaxTicket) return finding(tree.name, index, "its ticket is not one that a log gets to");
    highest_ = std::max(highest_, ticket);
    if (ticket >= bits_.size()) bits_.resize(std::max<std::size_t>(ticket + 1, bits_.size() * 2));
    if (bits_[ticket]) finding(tree.name, index, "ticket " + text(ticket) + " is in the log twice");
    bits_[ticket] = true;
    counts_.record(index, ticket, entry);
  }

  const Arguments& arguments_;
  const Tell finding_ = [this](const auto& tree, auto index, const auto& what) { finding(tree, index, what); };
  Counts counts_{finding_};
  std::map<std::string, std::multimap<std::uint64_t, std::pair<Hash, std::string>>> known_;  // by origin
  std::set<std::string> seen_;
  std::map<std::uint64_t, std::uint64_t> hours_;
  std::vector<bool> bits_;
  std::uint64_t highest_ = 0, records_ = 0, trees_ = 0, findings_ = 0;
};

int verify_log(const Arguments& arguments, bool whole) {
  if (arguments.files.size() != 1) return usage("`" + arguments.verb + "` takes one directory");
  const PublicKey& key = *arguments.key;
  const std::string root = arguments.files[0] + (whole ? "/tree" : "");
  std::error_code error;
  std::set<std::string> names;
  std::filesystem::directory_iterator at(root, error);
  for (; whole && !error && at != std::filesystem::directory_iterator(); at.increment(error))
    names.insert(at->path().filename().string());
  if (whole && error) return unreadable(root);
  Report report(arguments);
  if (const auto why = report.keep(key); !why.empty()) return not_verified(why);
  // The system tree first: it knows roots of all others. It has to be there.
  names.erase("system");
  const auto tree = whole ? named(key, key.name + "/system") : key;
  report.witnesses(root + (whole ? "/system" : ""), tree);
  report.tree(root + (whole ? "/system" : ""), tree);
  for (const auto& name : names) report.tree(root + "/" + name, named(key, key.name + "/" + name));
  if (whole) report.whole_log(tree.name);
  return report.finish();
}

/// Lines of base64 up to an empty line or the end.
std::optional<std::vector<Hash>> take_hashes(std::string_view& text) {
  std::vector<Hash> out;
  for (auto line = take_line(text); line && !line->empty(); line = take_line(text)) {
    const auto hash = hash_from_base64(*line);
    if (!hash || out.size() == 64) return std::nullopt;
    out.push_back(*hash);
  }
  return out;
}

int verify_record(const Arguments& arguments) {
  if (arguments.files.size() != 1 || arguments.proof.empty()) return usage("`record` takes a record and --proof");
  const auto record = read_file(arguments.files[0]);
  const auto proof = read_file(arguments.proof);
  if (!record || !proof) return unreadable(!record ? arguments.files[0] : arguments.proof);
  std::string_view rest = *proof;
  const bool labelled = take_line(rest) == "c2sp.org/tlog-proof@v1";
  auto line = take_line(rest);
  if (line && line->starts_with("extra ")) line = take_line(rest);
  const auto index = line && line->starts_with("index ") ? from_decimal(line->substr(6)) : std::nullopt;
  const auto hashes = take_hashes(rest);
  if (!labelled || !index || !hashes) return not_verified("the proof is not a tlog-proof");
  const auto checkpoint = open_checkpoint(rest, *arguments.key);
  if (!checkpoint.error.empty()) return not_verified("the proof's checkpoint: " + checkpoint.error);
  if (!verify_inclusion(leaf_hash(*record), *index, checkpoint.size, checkpoint.root, *hashes))
    return not_verified("the record is not at index " + text(*index) + " of the tree that was signed");
  for (const auto& witness : arguments.witnesses)
    if (!cosigned_at(rest, witness)) return not_verified(witness.name + " has not cosigned the proof's checkpoint");
  return verified("the record is at index " + text(*index) + " of " + checkpoint.origin + ", in its tree of " +
                      text(checkpoint.size) + " records",
                  !arguments.witnesses.empty());
}

int verify_growth(const Arguments& arguments) {
  if (arguments.files.size() != 2 || arguments.proof.empty() == arguments.tree.empty())
    return usage("`consistency` takes two checkpoints, and --tree or --proof");
  std::vector<Checkpoint> both;
  for (const auto& path : arguments.files) {
    const auto note = read_file(path);
    if (!note) return unreadable(path);
    both.push_back(open_checkpoint(*note, *arguments.key));
    if (!both.back().error.empty()) return not_verified(path + ": " + both.back().error);
  }
  const auto& [older, newer] = std::tie(both[0], both[1]);
  const std::string sizes = " records of the newer checkpoint", than = text(older.size) + " of the older one";
  if (older.size > newer.size) return not_verified("there are " + text(newer.size) + sizes + " and " + than);
  bool grew = false;
  if (!arguments.proof.empty()) {
    const auto proof = read_file(arguments.proof);
    if (!proof) return unreadable(arguments.proof);
    std::string_view rest = *proof;
    const auto hashes = take_hashes(rest);
    grew = hashes && verify_consistency(older.size, older.root, newer.size, newer.root, *hashes);
  } else {
    grew = root_at(arguments.tree, older.size) == older.root && root_at(arguments.tree, newer.size) == newer.root;
  }
  if (!grew)
    return not_verified("the " + text(newer.size) + sizes + " did not grow from " + than +
                        ": the log was rewritten or forked before index " + text(older.size));
  return verified(older.origin + " grew from " + text(older.size) + " to " + text(newer.size) + " records", true);
}

}  // namespace

int main(int count, char** values) {
  if (count == 2 && std::set<std::string>{"--help", "help"}.contains(values[1]))
    return std::fputs(kHelp, stdout), kVerified;
  Arguments arguments;
  if (const auto why = parse(count, values, arguments); !why.empty()) return usage(why);
  if (arguments.keys.empty() && !arguments.files.empty()) arguments.keys = arguments.files[0] + "/keys";
  if (const auto why = follow_keys(arguments.keys, *arguments.key); !why.empty()) return not_verified(why);
  if (arguments.verb == "log" || arguments.verb == "tree") return verify_log(arguments, arguments.verb == "log");
  if (arguments.verb == "record") return verify_record(arguments);
  if (arguments.verb == "consistency") return verify_growth(arguments);
  return usage("there is no verb " + arguments.verb);
}
