#include "bartizan/sql/column_migration.hpp"

#include <algorithm>

#include "cell_types.hpp"

namespace bartizan::sql {

namespace {

constexpr std::size_t kNameBytes = 63;  // NAMEDATALEN - 1

std::string quoted(std::string_view name) {
  std::string result = "\"";
  for (const char c : name) result.append(c == '"' ? 2 : 1, c);
  return result + '"';
}

std::string dotted(const ViewName& name) { return quoted(name.schema) + "." + quoted(name.name); }

/// `name` with an ending, within PostgreSQL's limit and whole characters.
std::string named(std::string_view name, std::string_view ending) {
  std::size_t size = std::min(name.size(), kNameBytes - ending.size());
  while (size > 0 && size < name.size() && (static_cast<unsigned char>(name[size]) & 0xC0U) == 0x80U) --size;
  return std::string(name.substr(0, size)).append(ending);
}

std::string type_text(const MigrationColumn& column) {
  const CellType& type = *cell_type(column.type.oid);
  std::string text = "pg_catalog." + std::string(type.name);
  const std::int32_t typmod = column.type.typmod;
  if (typmod >= 0 && type.family == CellFamily::Text) text += "(" + std::to_string(typmod - 4) + ")";
  if (typmod >= 0 && type.family == CellFamily::Numeric) {
    const std::int32_t scale = ((typmod - 4) & 0x7ff) ^ 1024;  // 11 bits, signed
    text += "(" + std::to_string((typmod - 4) >> 16) + "," + std::to_string(scale - 1024) + ")";
  }
  const bool time = type.family == CellFamily::Timestamp || type.family == CellFamily::TimestampTz;
  if (typmod >= 0 && time) text += "(" + std::to_string(typmod) + ")";
  return column.collation.empty() ? text : text + " COLLATE " + column.collation;
}

/// What both directions need to know.
class Texts {
 public:
  Texts(const MigrationColumn& column, bool encrypt)
      : column_(column),
        encrypt_(encrypt),
        name_(column.table->column(column.column)->name),
        table_(quoted(column.table->schema) + "." + quoted(column.table->name)),
        twin_(named(name_, "_bz_new")),
        function_(quoted(column.table->schema) + "." +
                  quoted("bz_stale_" + std::to_string(column.table->oid) + "_" + std::to_string(column.column))) {}

  ColumnMigration all() const {
    ColumnMigration migration;
    migration.index = named(column_.table->name + "_" + name_, "_bz_idx");
    migration.stored_index = column_.stored_index ? stored() : "";
    migration.dependents = dependents();
    migration.expand = expand();
    migration.read_first = read(false, true);
    migration.read_next = read(true, true);
    migration.verify_first = read(false, false);
    migration.verify_next = read(true, false);
    migration.swap = swap();
    migration.forget = forget();
    migration.remaining = remaining();
    migration.cut_over = cut_over(migration);
    migration.undo = drop_trigger();
    migration.undo.push_back({"ALTER TABLE " + table_ + " DROP COLUMN IF EXISTS " + quoted(twin_)});
    if (encrypt_ && column_.searchable) migration.after.push_back(create_index(migration));
    return migration;
  }

  [[nodiscard]] const std::string& twin() const { return twin_; }
  [[nodiscard]] std::string stored() const { return named(name_, "_bz"); }

 private:
  [[nodiscard]] std::string new_type() const { return encrypt_ ? dotted(column_.cell_domain) : type_text(column_); }

  [[nodiscard]] std::string dependents() const {
    // pg_depend: indexes, constraints, views' rules, policies, generated columns, triggers, statistics.
    return "SELECT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) AS object, c.relname FROM "
           "pg_catalog.pg_depend d LEFT JOIN pg_catalog.pg_class c ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass "
           "AND c.oid = d.objid WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = " +
           std::to_string(column_.table->oid) + " AND d.refobjsubid = " + std::to_string(column_.column) +
           " ORDER BY 1";
  }

  [[nodiscard]] std::vector<MigrationStep> expand() const {
    std::vector<MigrationStep> steps;
    steps.push_back({"ALTER TABLE " + table_ + " ADD COLUMN " + quoted(twin_) + " " + new_type()});
    steps.push_back({"CREATE FUNCTION " + function_ +
                     "() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $bz_stale$BEGIN NEW." +
                     quoted(twin_) + " := NULL; RETURN NEW; END$bz_stale$"});
    // Last by name, so that it sees what other triggers have made of the row.
    steps.push_back({"CREATE TRIGGER zz_bartizan_stale BEFORE UPDATE ON " + table_ + " FOR EACH ROW WHEN (" +
                     changes() + ") EXECUTE FUNCTION " + function_ + "()"});
    steps.push_back({"ALTER TABLE " + table_ + " ENABLE ALWAYS TRIGGER zz_bartizan_stale"});
    return steps;
  }

  /// By what the twin of a row says what is no longer so.
  [[nodiscard]] std::string changes() const {
    std::string text = "OLD." + quoted(name_) + " IS DISTINCT FROM NEW." + quoted(name_);
    for (const std::string& part : names_of(column_.row_key))
      text.append(" OR OLD.").append(part).append(" IS DISTINCT FROM NEW.").append(part);
    return text;
  }

  [[nodiscard]] std::vector<MigrationStep> drop_trigger() const {
    return {{"DROP TRIGGER IF EXISTS zz_bartizan_stale ON " + table_}, {"DROP FUNCTION IF EXISTS " + function_ + "()"}};
  }

  [[nodiscard]] std::string to_do() const { return quoted(name_) + " IS NOT NULL AND " + quoted(twin_) + " IS NULL"; }

  [[nodiscard]] std::vector<std::string> names_of(const std::vector<AttrNumber>& columns) const {
    std::vector<std::string> names;
    for (const AttrNumber attnum : columns) names.push_back(quoted(column_.table->column(attnum)->name));
    return names;
  }
  [[nodiscard]] std::vector<std::string> key() const { return names_of(column_.table->primary_key()->columns); }
  /// What is read of a row besides its value: its key, and what its cell is bound by.
  [[nodiscard]] std::vector<std::string> keys() const {
    auto names = key();
    if (column_.row_key == column_.table->primary_key()->columns) return names;
    for (auto& name : names_of(column_.row_key)) names.push_back(std::move(name));
    return names;
  }

  static std::string joined(const std::vector<std::string>& parts, std::string_view between) {
    std::string text;
    for (const std::string& part : parts) text.append(text.empty() ? "" : between).append(part);
    return text;
  }

  [[nodiscard]] std::string read(bool next, bool to_do_only) const {
    const auto names = key();
    std::vector<std::string> conditions;
    if (to_do_only) conditions.push_back(to_do());
    std::vector<std::string> last;
    for (std::size_t i = 0; next && i < names.size(); ++i) last.push_back("$" + std::to_string(i + 1));
    if (next) conditions.push_back("(" + joined(names, ", ") + ") > (" + joined(last, ", ") + ")");
    const std::string what =
        to_do_only ? "xmin::pg_catalog.text, " + quoted(name_) : quoted(name_) + ", " + quoted(twin_);
    std::string text = "SELECT " + joined(keys(), ", ") + ", " + what + " FROM " + table_;
    if (!conditions.empty()) text += " WHERE " + joined(conditions, " AND ");
    return text + " ORDER BY " + joined(names, ", ") + " LIMIT $" + std::to_string(last.size() + 1);
  }

  [[nodiscard]] std::string swap() const { return changed(quoted(twin_) + " = $1", 2); }
  [[nodiscard]] std::string forget() const { return changed(quoted(name_) + " = NULL", 1); }

  [[nodiscard]] std::string changed(const std::string& what, std::size_t number) const {
    std::string text = "UPDATE " + table_ + " SET " + what + " WHERE ";
    for (const std::string& name : key()) text += name + " = $" + std::to_string(number++) + " AND ";
    // A row that was changed has another xmin, also where it had to be waited for.
    return text + "xmin = $" + std::to_string(number) + "::pg_catalog.xid AND " + to_do();
  }

  [[nodiscard]] std::string remaining() const { return "SELECT count(*) FROM " + table_ + " WHERE " + to_do(); }

  [[nodiscard]] std::string create_index(const ColumnMigration& migration) const {
    const std::string what = column_.stored_index ? "(" + quoted(migration.stored_index) + ")"
                                                  : "(pg_catalog.substr(" + quoted(name_) + ", 9, 16))";
    return "CREATE " + std::string(column_.unique ? "UNIQUE " : "") + "INDEX CONCURRENTLY " + quoted(migration.index) +
           " ON " + table_ + " " + what;
  }

  [[nodiscard]] std::vector<MigrationStep> cut_over(const ColumnMigration& migration) const {
    const std::string alter = "ALTER TABLE " + table_ + " ";
    const std::string column = quoted(name_);
    std::vector<MigrationStep> steps;
    steps.push_back({"LOCK TABLE " + table_ + " IN ACCESS EXCLUSIVE MODE"});
    steps.push_back({remaining(), true});
    for (MigrationStep& step : drop_trigger()) steps.push_back(std::move(step));
    if (!encrypt_ && column_.searchable) {
      steps.push_back({"DROP INDEX IF EXISTS " + quoted(column_.table->schema) + "." + quoted(migration.index)});
    }
    if (!encrypt_ && column_.stored_index) {
      steps.push_back({alter + "DROP COLUMN IF EXISTS " + quoted(migration.stored_index)});
    }
    if (encrypt_) steps.push_back({alter + "ALTER COLUMN " + column + " DROP DEFAULT"});
    // The twin is NULL exactly where the column is: this was seen under the lock.
    steps.push_back({alter + "ALTER COLUMN " + column + " TYPE " + new_type() + " USING " + quoted(twin_)});
    steps.push_back({alter + "DROP COLUMN " + quoted(twin_)});
    if (encrypt_) steps.push_back({alter + "ALTER COLUMN " + column + " SET STORAGE EXTERNAL"});
    if (encrypt_ && column_.stored_index) {
      steps.push_back({alter + "ADD COLUMN " + quoted(migration.stored_index) +
                       " bytea GENERATED ALWAYS AS (pg_catalog.substr(" + column + ", 9, 16)) STORED"});
    }
    return steps;
  }

  const MigrationColumn& column_;
  bool encrypt_;
  const std::string& name_;
  std::string table_;
  std::string twin_;
  std::string function_;
};

Result<ColumnMigration> plan(const MigrationColumn& column, bool encrypt) {
  const auto bad = [](const char* what) { return fail(Errc::InvalidArgument, what); };
  const CatalogColumn* const stored = column.table->column(column.column);
  if (stored == nullptr) return bad("no such column");
  if (cell_type(column.type.oid) == nullptr) return bad("columns of this type can't be encrypted");
  if (column.table->kind != RelKind::Table || column.table->has_children || !column.table->parents.empty()) {
    return bad("partitioned tables, parents and children are migrated by hand");
  }
  const CatalogKey* const key = column.table->primary_key();
  if (key == nullptr || key->columns.empty()) return bad("the table has no primary key");
  if (std::find(key->columns.begin(), key->columns.end(), column.column) != key->columns.end()) {
    return bad("a column of the primary key can't be encrypted");
  }
  if (stored->generated != Generated::No || stored->identity != Identity::No) {
    return bad("a generated column can't be encrypted");
  }
  if (column.stored_index && !column.searchable) return bad("a stored index of a column without equality search");
  const Texts texts(column, encrypt);
  if (column.table->column(texts.twin()) != nullptr) return bad("the table has a column of the twin's name");
  if (encrypt && column.stored_index && column.table->column(texts.stored()) != nullptr) {
    return bad("the table has a column of the stored index's name");
  }
  return texts.all();
}

}  // namespace

Result<ColumnMigration> plan_column_encryption(const MigrationColumn& column) { return plan(column, true); }
Result<ColumnMigration> plan_column_decryption(const MigrationColumn& column) { return plan(column, false); }

}  // namespace bartizan::sql
