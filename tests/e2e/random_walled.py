"""Random tables, rows and policies, and for each identity the copies that the policies have been applied to beforehand."""
from __future__ import annotations

import dataclasses
import datetime
import json
import uuid
from decimal import Decimal

import mask_reference
from random_choices import Choices

ROLES = ("analyst", "clerk")
TYPES = {"int": "integer", "big": "bigint", "num": "numeric(10,2)", "text": "text", "code": "varchar(20)", "date": "date",
         "moment": "timestamptz", "bool": "boolean", "uuid": "uuid", "json": "jsonb"}
# Names that are keywords, functions, need quotes or are as long as may be; many stand in several tables.
_COLUMNS = ["a", "b", "note", "order", "Mixed Case", "größe", "upper", "left", "value", 'quo"te', "name", "n" * 63, "user", "count"]
_TABLES = ["t", "orders", "select", "Some Table", "upper", "länder", "a", "customers", "record", "date", "m" * 63, "values"]
_WORDS = ["", "a", "B", "anna@example.org", "o'hara@x.y@z", "@", "ümläut", "x y", "QUOTE\"D", "back\\slash", "%_", "12", "lake", "north",
          "a longer text of words", "été", "tom.jones@mail.example.com"]


@dataclasses.dataclass
class Column:
    name: str
    type: str
    sight: dict  # role: None (hidden), () (clear) or (operator, arguments)


@dataclasses.dataclass
class Filter:
    manifest: dict
    holds: object  # of a row by names
    sql: str | None  # over the copies, where it may be a constraint of theirs
    columns: set


@dataclasses.dataclass
class Table:
    name: str
    schema: str
    columns: list
    rows: list
    filters: dict  # role: [Filter]

    def visible(self, role: str) -> list[Column]:
        return [column for column in self.columns if column.sight[role] is not None]

    def writable(self, role: str) -> list[Column]:
        return [column for column in self.columns if column.sight[role] == ()]

    def may_be_written(self, role: str) -> bool:
        clear = {column.name for column in self.writable(role)}
        return role == "clerk" and {"id", "tenant"} <= clear and all(f.columns <= clear for f in self.filters[role])


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(value) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, (dict, list)):
        value = json.dumps(value)
    return "'" + mask_reference.text_of(value).replace("'", "''") + "'"


def a_value(draw: Choices, kind: str):
    if draw.chance(12):
        return None
    if kind == "int":
        return draw.below(30) - 9
    if kind == "big":
        return draw.pick([0, 7, -3, 10_000_000_000, 42])
    if kind == "num":
        return Decimal(draw.below(5000) - 900) / 100
    if kind == "text":
        return draw.pick(_WORDS)
    if kind == "code":
        return draw.pick(_WORDS)[:20]
    if kind == "date":
        return datetime.date(2024, 1, 1) + datetime.timedelta(days=draw.below(900))
    if kind == "moment":
        return datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=draw.below(50_000_000))
    if kind == "bool":
        return draw.chance(50)
    if kind == "uuid":
        return uuid.UUID(int=draw.below(6) * 0x1234567890ABCDEF1234567890ABCDE)
    return draw.pick([{}, {"k": "v"}, {"k": "v", "n": 3}, {"k": None, "list": [{"k": "x"}, {"k": "y", "z": 1}]}, [1, "two"], {"n": {"k": "deep"}}, 5])


def _a_mask(draw: Choices, kind: str) -> tuple[str, dict]:
    options = [("null", {})]
    if kind in ("text", "code"):
        options += [("hash", {"algo": "sha256"}), ("redact", {"replacement": draw.pick(["hidden", "o'x", ""])}),
                    ("partial", {"first": draw.below(3), "last": draw.below(3), "fill": draw.pick(["***", "-", "…"])}),
                    ("email", {"first": draw.below(3), "keep_domain": draw.chance(70)}),
                    ("regex_replace", {"pattern": draw.pick(["[0-9]", "[aeiou]+", "@.*$"]), "replacement": draw.pick(["#", "", "'x"])}),
                    ("rand_pattern", {"pattern": draw.pick(["##-##", "A#", "#" * (40 if kind == "text" else 18)])}),
                    ("constant", {"value": draw.pick(["same", "a'b"])})]
    elif kind in ("int", "big", "num"):
        options += [("bucket_number", {"buckets": draw.pick([[0, 10], [-5, 0, 5, 20], [100]])}), ("constant", {"value": "7"})]
        options += [("hash", {"algo": "sha256"})] if kind == "big" else []
        options += [("redact", {"replacement": "0"})]
    elif kind == "date":
        options += [("bucket_date", {"precision": draw.pick(["week", "month", "quarter", "year"])}), ("constant", {"value": "2000-02-29"})]
    elif kind == "moment":
        options += [("bucket_date", {"precision": draw.pick(["minute", "hour", "day", "week", "month", "quarter", "year"])})]
    elif kind == "bool":
        options += [("redact", {"replacement": "true"})]
    elif kind == "uuid":
        options += [("hash", {"algo": "sha256"}), ("constant", {"value": "00000000-0000-0000-0000-000000000007"})]
    else:
        edits = [{"path": draw.pick([["k"], ["*"], ["list", "*", "k"], ["n", "k"]]), "action": draw.pick(["remove", "null", "redact"])}
                 for _ in range(1 + draw.below(2))]
        for edit in edits:
            if edit["action"] == "redact":
                edit["replacement"] = "gone"
        options += [("json_path", {"edits": edits}), ("constant", {"value": "{}"})]
    return draw.pick(options[::-1])


def _a_filter(draw: Choices, table: Table) -> Filter:
    """Three-valued: what is not known is not seen."""
    column = draw.pick([c for c in table.columns if c.type in ("int", "text", "code", "bool", "date")])
    name, at = quoted(column.name), column.name
    kind = draw.below(5)
    if kind <= 1 and column.type in ("text", "code"):
        value = draw.pick(["a", "B", "x y", "o'hara@x.y@z"])
        sign, equal = (("equals", True), ("not_equals", False))[kind]
        return Filter({"column": column.name, "operator": sign, "value": value},
                      lambda row: row[at] is not None and (row[at] == value) is equal,
                      f"{name} {'=' if equal else '<>'} {literal(value)}", {at})
    if kind == 2:
        return Filter({"expression": f"{name} IS NOT NULL"}, lambda row: row[at] is not None, f"{name} IS NOT NULL", {at})
    if kind == 3 and column.type == "int":
        bound = draw.below(10)
        text = f"{name} > {bound} OR {name} IS NULL"
        return Filter({"expression": text}, lambda row: row[at] is None or row[at] > bound, text, {at})
    if column.type == "bool":
        return Filter({"expression": f"NOT {name}"}, lambda row: row[at] is False, f"NOT {name}", {at})
    bound = draw.below(20)
    return Filter({"expression": f"id <> {bound}"}, lambda row: row["id"] != bound, f"id <> {bound}", {"id"})


class RandomWall:
    """What one seed makes. `app` holds the tables of tenants, `ref` those that are shared."""

    def __init__(self, draw: Choices) -> None:
        names = draw.some(_TABLES, 3, 5)
        self.tables = [self._table(draw, name, "app" if i < 2 or draw.chance(50) else "ref") for i, name in enumerate(names)]

    def _table(self, draw: Choices, name: str, schema: str) -> Table:
        columns = [Column("id", draw.pick(["int", "big"]), {role: () for role in ROLES})]
        if schema == "app":
            columns.append(Column("tenant", "text", {role: () for role in ROLES}))
        for column in draw.some(_COLUMNS, 3, 6):
            kind = draw.pick(list(TYPES))
            sight = {}
            for role in ROLES:
                chosen = draw.below(10)
                sight[role] = None if chosen == 9 else _a_mask(draw, kind) if chosen >= 5 else ()
            if None in sight.values():  # what nobody has classified is hidden from everybody
                sight = {role: None for role in ROLES}
            columns.append(Column(column, kind, sight))
        rows = []
        for i in range(5 + draw.below(25)):
            row = {column.name: a_value(draw, column.type) for column in columns}
            row["id"] = i + 1
            if schema == "app":
                row["tenant"] = draw.pick(["north", "lake"])
            rows.append(row)
        table = Table(name, schema, columns, rows, {})
        for role in ROLES:
            table.filters[role] = [_a_filter(draw, table) for _ in range(draw.below(3))] if draw.chance(40) else []
        return table

    def tables_sql(self) -> str:
        text = "DROP SCHEMA IF EXISTS app CASCADE; DROP SCHEMA IF EXISTS ref CASCADE; CREATE SCHEMA app; CREATE SCHEMA ref;"
        return text + "".join(_table_sql(f"{t.schema}.{quoted(t.name)}", t.columns, t.rows, []) for t in self.tables)

    def copies_sql(self, schema: str, role: str, tenant: str | None, key: bytes) -> str:
        """The same tables as this subject sees them."""
        text = f"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema};"
        for table in self.tables:
            columns = table.visible(role)
            rows = [{c.name: _seen(row[c.name], c, role, key) for c in columns} for row in table.rows
                    if (table.schema == "ref" or row["tenant"] == tenant) and all(f.holds(row) for f in table.filters[role])]
            checks = [f"tenant = {literal(tenant)}"] if table.schema == "app" else []
            if table.may_be_written(role):
                checks += [f.sql for f in table.filters[role]]
            text += _table_sql(f"{schema}.{quoted(table.name)}", columns, rows, checks)
        return text

    def policies(self, depot: str) -> dict[str, str]:
        documents = [_policy("read", access={"subjects": {"tags": [f"roles:id:{role}" for role in ROLES]}, "predicates": ["read"],
                                             "objects": {"paths": [f"{depot}:app.*", f"{depot}:ref.*"]}, "allow": True}),
                     _policy("write", access={"subjects": {"tags": ["roles:id:clerk"]}, "predicates": ["insert", "update", "delete"],
                                              "objects": {"paths": [f"{depot}:app.*"]}, "allow": True}),
                     {"name": "tenants", "version": "v1", "type": "tenancy",
                      "tenancy": {"tables": [f"{depot}:app.*"], "column": "tenant", "shared": [f"{depot}:ref.*"]}}]
        for i, table in enumerate(self.tables):
            columns = {c.name: [f"T.c{i}x{k}"] for k, c in enumerate(table.columns) if any(s is not None for s in c.sight.values())}
            documents.append({"name": f"table{i}", "version": "v1", "type": "classification",
                              "classification": {"depot": depot, "schema": table.schema, "table": table.name, "columns": columns}})
            for k, column in enumerate(table.columns):
                for role in ROLES:
                    if column.sight[role]:
                        operator, arguments = column.sight[role]
                        documents.append(_policy(f"mask{i}x{k}{role}", data={
                            "type": "mask", "depot": depot, "priority": 50 + ROLES.index(role),
                            "selector": {"user": {"tags": [f"roles:id:{role}"]}, "column": {"tags": [f"T.c{i}x{k}"]}},
                            "mask": {"operator": operator} | ({operator: arguments} if arguments else {})}))
            for role in ROLES:
                for n, one in enumerate(table.filters[role]):
                    glob = "".join(c if c.isalnum() or c in "_ " else "\\" + c for c in table.name)
                    documents.append(_policy(f"filter{i}x{n}{role}", data={
                        "type": "filter", "depot": depot, "collection": table.schema, "dataset": glob,
                        "selector": {"user": {"tags": [f"roles:id:{role}"]}}, "filters": [one.manifest]}))
        return {"random.yaml": "---\n".join(json.dumps(document, ensure_ascii=False) + "\n" for document in documents)}


def _policy(name: str, **content) -> dict:
    return {"name": name, "version": "v1", "type": "policy", "policy": content}


def _seen(value, column: Column, role: str, key: bytes):
    if column.sight[role] == ():
        return value
    operator, arguments = column.sight[role]
    return mask_reference.masked(value, operator, arguments, key, 20 if column.type == "code" else None)


def _table_sql(name: str, columns: list, rows: list, checks: list) -> str:
    defined = [f"{quoted(c.name)} {TYPES[c.type]}" + (" PRIMARY KEY" if c.name == "id" else "") for c in columns]
    defined += [f"CHECK (({check}) IS TRUE)" for check in checks]
    text = f"CREATE TABLE {name} ({', '.join(defined)});"
    if rows:
        values = ", ".join("(" + ", ".join(literal(row[c.name]) for c in columns) + ")" for row in rows)
        text += f"INSERT INTO {name} VALUES {values};"
    return text
