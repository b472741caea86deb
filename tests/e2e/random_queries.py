"""Random statements over what one role sees of a RandomWall, typed so that few of them fail.

`@app@` and `@ref@` stand for the schemas. Results are made to hang on nothing but the data: what has an order, a LIMIT or
a frame orders by enough to tell rows apart, and nothing sums floats.
"""
from __future__ import annotations

import dataclasses

from random_choices import Choices
from random_walled import RandomWall, Table, a_value, literal, quoted

_SORTABLE = ("int", "num", "text", "date", "moment", "bool", "uuid", "json")
_ORDERED = ("int", "num", "text", "date", "moment")
_KINDS = {"big": "int", "code": "text"}
_SQL_TYPES = {"int": "bigint", "num": "numeric", "text": "text", "date": "date", "moment": "timestamptz", "bool": "boolean",
              "uuid": "uuid", "json": "jsonb"}

_PATTERNS = ("'a%'", "'%@%'", "'_'", "'%e%'")


@dataclasses.dataclass
class Item:
    """Something in FROM: as what it is referred to, and its columns' names and kinds."""
    name: str
    columns: list
    table: Table | None = None


@dataclasses.dataclass
class Statement:
    text: str
    parameters: list
    ordered: bool  # rows come in one order only
    writes: Table | None = None
    form: str = "plain"


class Generator:
    def __init__(self, draw: Choices, wall: RandomWall, role: str) -> None:
        self.draw, self.role = draw, role
        self.tables = [t for t in wall.tables if len(t.visible(role)) >= 1]
        self.scopes: list[list[Item]] = []
        self.withs: list[Item] = []
        self.parameters: list = []
        self.may_have_parameters = draw.chance(40)
        self.numbered = 0

    # ---- statements ---------------------------------------------------------------------------------------------

    def statement(self) -> Statement:
        writable = [t for t in self.tables if t.schema == "app" and t.may_be_written(self.role)]
        if writable and self.draw.chance(25):
            return self._writing(self.draw.pick(writable))
        prefix = self._with() if self.draw.chance(25) else ""
        text, columns = self._query(2)
        ordered = bool(columns) and all(kind in _SORTABLE for _, kind in columns) and self.draw.chance(40)
        if ordered:
            numbers = [f"{n}{self.draw.pick(['', ' DESC', ' NULLS FIRST'])}" for n in range(1, len(columns) + 1)]
            text += " ORDER BY " + ", ".join(numbers)
            if self.draw.chance(40):
                text += f" LIMIT {self._parameter('int', 1 + self.draw.below(9))}"
                text += f" OFFSET {self.draw.below(4)}" if self.draw.chance(30) else ""
        form = "plain" if self.parameters else self.draw.pick(["plain", "plain", "plain", "plain", "copy", "cursor", "prepare"])
        return Statement(prefix + text, self.parameters, ordered, form=form)

    def _writing(self, table: Table) -> Statement:
        draw = self.draw
        name = self._table_name(table)
        clear = [c for c in table.writable(self.role) if c.name not in ("id", "tenant")]
        as_ = f"w{self._number()}"
        item = Item(as_, self._columns_of(table), table)
        kind = draw.below(4)
        prefix = self._with() if draw.chance(15) else ""
        chosen = draw.some(clear, 0, 3) if clear else []
        if kind == 0:
            names = ["id", "tenant"] + [c.name for c in chosen]
            rows = []
            for n in range(1 + draw.below(3)):
                # Of the rows that are there only one that is visible: a key of others is taken, too (the manual says so).
                values = [draw.pick([str(1000 + n), f"(SELECT min(id) FROM {name})", "1000"]), draw.pick(["'north'", "'lake'", "NULL"]) if draw.chance(10) else "@tenant@"]
                values += [self._cast(c.type, literal(a_value(draw, c.type))) if not draw.chance(15) else "DEFAULT" for c in chosen]
                rows.append("(" + ", ".join(values) + ")")
            text = f"INSERT INTO {name} AS {as_} ({', '.join(map(quoted, names))}) VALUES {', '.join(rows)}"
            if draw.chance(30):
                target = draw.pick(chosen) if chosen else None
                text += " ON CONFLICT (id) " + ("DO NOTHING" if target is None or draw.chance(40) else
                                                f"DO UPDATE SET {quoted(target.name)} = excluded.{quoted(target.name)}")
        elif kind == 1 and chosen:
            self.scopes.append([item])
            sets = [f"{quoted(c.name)} = {self._assigned(c.type)}" for c in chosen]
            text = f"UPDATE {name} AS {as_} SET {', '.join(sets)}"
            text += f" WHERE {self._expression('bool', 2)}" if draw.chance(80) else ""
            self.scopes.pop()
        else:
            self.scopes.append([item])
            text = f"DELETE FROM {name} AS {as_}"
            other = self._from_table() if draw.chance(30) else None
            if other:
                text += f" USING {other[0]}"
                self.scopes[-1].append(other[1])
            text += f" WHERE {self._expression('bool', 2)}"
            self.scopes.pop()
        self.scopes.append([item])
        chosen = draw.below(4)
        if chosen == 3:
            returns = f" RETURNING {self._expression(draw.pick(_SORTABLE), 2)}, {as_}.id"
        else:
            returns = ("", f" RETURNING {as_}.*", f" RETURNING {as_}, {as_}.tenant")[chosen]
        self.scopes.pop()
        if returns and draw.chance(15):
            return Statement(f"WITH changed AS ({text}{returns}) SELECT count(*), (SELECT count(*) FROM {name}) FROM changed", self.parameters, False, table)
        return Statement(prefix + text + returns, self.parameters, False, table)

    def _assigned(self, kind: str) -> str:
        value = self._expression(_KINDS.get(kind, kind), 1)
        return {"code": f"left({value}, 20)", "num": f"({value})::numeric(10,2)", "int": f"({value})::integer % 1000"}.get(kind, value)

    # ---- queries ------------------------------------------------------------------------------------------------

    def _with(self) -> str:
        parts = []
        recursive = self.draw.chance(15)
        if recursive:
            name = self._number()
            parts.append(f"r{name}(n, x) AS (SELECT 1, {self._literal('text')} UNION ALL SELECT n + 1, x || 'i' FROM r{name} WHERE n < 4)")
            self.withs.append(Item(f"r{name}", [("n", "int"), ("x", "text")]))
        for _ in range(1 + self.draw.below(2)):
            # the name of a table, which it then hides, or one of its own
            name = self.draw.pick(self.tables).name if self.draw.chance(25) and not recursive else f"c{self._number()}"
            if any(item.name == quoted(name) for item in self.withs):
                continue
            text, columns = self._query(1)
            names = [f"k{i}" for i in range(len(columns))]
            parts.append(f"{quoted(name)} ({', '.join(names)}) AS {self.draw.pick(['', 'MATERIALIZED ', 'NOT MATERIALIZED '])}({text})")
            self.withs.append(Item(quoted(name), [(f"{n}", kind) for n, (_, kind) in zip(names, columns)]))
        return ("WITH RECURSIVE " if recursive else "WITH ") + ", ".join(parts) + " " if parts else ""

    def _query(self, depth: int, want: list | None = None) -> tuple[str, list]:
        if depth > 0 and self.draw.chance(12):
            left, columns = self._select(depth - 1, want)
            if all(kind in _SORTABLE for _, kind in columns):
                right, _ = self._query(depth - 1, [kind for _, kind in columns])
                operator = self.draw.pick(["UNION ALL", "UNION", "EXCEPT", "INTERSECT", "EXCEPT ALL"])
                return f"({left}) {operator} ({right})", columns
            return left, columns
        return self._select(depth, want)

    def _select(self, depth: int, want: list | None) -> tuple[str, list]:
        draw = self.draw
        items: list[Item] = []
        self.scopes.append(items)
        from_ = self._from(depth, items)
        where = f" WHERE {self._expression('bool', depth)}" if draw.chance(60) else ""
        grouped = draw.chance(25)
        star = want is None and not grouped and draw.chance(15)
        if star:
            item = draw.pick(items)
            alone = len(items) == 1
            targets, columns = ["*" if alone and draw.chance(50) else f"{item.name}.*"], [(None, kind) for _, kind in item.columns]
            tail = ""
        elif grouped:
            targets, columns, tail = self._grouping(depth, want)
        else:
            targets, columns = self._targets(depth, want)
            tail = ""
        distinct = "DISTINCT " if all(kind in _SORTABLE for _, kind in columns) and draw.chance(12) else ""
        text = f"SELECT {distinct}{', '.join(targets)} FROM {from_}{where}{tail}"
        if depth < 2 and columns and all(kind in _SORTABLE for _, kind in columns) and draw.chance(8):
            text += " ORDER BY " + ", ".join(str(n) for n in range(1, len(columns) + 1)) + f" LIMIT {1 + draw.below(12)}"
            text = f"SELECT * FROM ({text}) AS l{self._number()}"
        self.scopes.pop()
        return text, columns

    def _targets(self, depth: int, want: list | None) -> tuple[list, list]:
        kinds = want or [self.draw.pick(_SORTABLE) for _ in range(1 + self.draw.below(4))]
        targets, columns = [], []
        for kind in kinds:
            shown = kind
            if want is None and self.draw.chance(10):
                text, shown = self._window(depth)
            elif want is None and self.draw.chance(4):
                text, shown = self._whole_row(), "other"
            else:
                text = self._expression(kind, depth)
            named = self.draw.chance(50)
            targets.append(f"{text} AS e{self._number()}" if named else text)
            columns.append((None, shown))
        return targets, columns

    def _grouping(self, depth: int, want: list | None) -> tuple[list, list, str]:
        draw = self.draw
        own = self.scopes[-1]
        keyed = [item for item in own if item.table]
        if want is None and keyed and draw.chance(25):  # a primary key determines the rest of its table
            item = draw.pick(keyed)
            named = draw.some(item.columns, 1, 4)
            targets = [f"{item.name}.{name}" for name, _ in named] + ["count(*)"]
            return targets, [(None, kind) for _, kind in named] + [(None, "int")], f" GROUP BY {item.name}.id"
        kinds = want or [draw.pick(_SORTABLE) for _ in range(draw.below(3))] + [None] * (1 + draw.below(2))
        targets, columns, keys = [], [], []
        for kind in kinds:
            if kind is None or (want and draw.chance(50) and kind in ("int", "num", "text", "date", "moment")):
                text, kind = self._aggregate(depth, kind)
            else:
                text = self._expression(kind, 1)
                keys.append(str(len(targets) + 1))
            targets.append(text)
            columns.append((None, kind))
        tail = ""
        if keys:
            simple = ", ".join(keys)
            tail = f" GROUP BY {simple}"
        if draw.chance(25):
            tail += f" HAVING {self._aggregate(0, 'int')[0]} {draw.pick(['>', '<', '<>'])} {draw.below(5)}"
        return targets, columns, tail

    def _aggregate(self, depth: int, kind: str | None) -> tuple[str, str]:
        draw = self.draw
        kind = kind or draw.pick(["int", "int", "num", "text", "date", "moment", "other"])
        filter_ = f" FILTER (WHERE {self._expression('bool', 0)})" if draw.chance(20) else ""
        if kind == "int":
            value, chosen = self._expression(draw.pick(_SORTABLE), 0), draw.below(5)
            if chosen < 3:
                return (f"count({value}){filter_}", f"count(DISTINCT {value}){filter_}", f"num_nulls(max(({value})::text){filter_})::bigint")[chosen], "int"
            value = self._expression("int", 0)
            return (f"(sum({value} % 1000){filter_})::bigint" if chosen == 3 else f"max({value}){filter_}"), "int"
        if kind == "num":
            return draw.pick(["sum", "max", "min"]) + f"({self._expression('num', 0)}){filter_}", "num"
        if kind == "text":
            value = self._column("text") or "'x'"
            return draw.pick([f"min({value}){filter_}", f"string_agg({value}, ',' ORDER BY {value}){filter_}"]), "text"
        if kind == "other":
            value = self._column(draw.pick(_SORTABLE)) or "1"
            return draw.pick([f"array_agg({value} ORDER BY {value}){filter_}", f"jsonb_agg({value} ORDER BY {value}){filter_}",
                              f"bool_or(({value}) IS NULL){filter_}"]), "other"
        return draw.pick(["min", "max"]) + f"({self._expression(kind, 0)}){filter_}", kind

    def _window(self, depth: int) -> tuple[str, str]:
        draw = self.draw
        partition = f"PARTITION BY {self._expression(draw.pick(_SORTABLE), 0)}" if draw.chance(50) else ""
        order = f" ORDER BY {self._expression(draw.pick(_ORDERED), 0)}{draw.pick(['', ' DESC'])}"
        kind = draw.pick(["int", "text", "date"])
        value = self._expression(kind, 0)
        if kind == "int" and draw.chance(50):
            return f"sum({value} % 1000) OVER ({partition}{order})", "num"
        if draw.chance(50):
            return f"max({value}) OVER ({partition}{order})", kind
        return draw.pick([f"rank() OVER ({partition}{order})", f"dense_rank() OVER ({partition}{order})",
                          f"count({value}) OVER ({partition}{order})"]), "int"

    def _whole_row(self) -> str:
        name = self.draw.pick(self.scopes[-1]).name
        return self.draw.pick([f"{name}", f"row_to_json({name})", f"to_jsonb({name})", f"{name}::text", f"{name} IS NULL", f"ROW({name}.*)"])

    # ---- FROM ---------------------------------------------------------------------------------------------------

    def _from(self, depth: int, items: list[Item]) -> str:
        parts = []
        for n in range(1 + (self.draw.below(3) if depth else self.draw.below(2))):
            if parts and self.draw.chance(60):
                parts[-1] = self._join(parts[-1], depth, items)
            else:
                text, item = self._from_item(depth, bool(parts))
                items.append(item)
                parts.append(text)
        return ", ".join(parts)

    def _join(self, left: str, depth: int, items: list[Item]) -> str:
        draw = self.draw
        before = list(items)
        text, item = self._from_item(depth, False)
        kind = draw.pick(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN"])
        if kind == "CROSS JOIN":
            items.append(item)
            return f"{left} CROSS JOIN {text}"
        if kind == "FULL JOIN" or draw.chance(40):
            match = self._matching(before, item)
            if match:
                items.append(item)
                return f"{left} {kind} {text} ON {match}"
            kind = "JOIN"
        # an ON sees what is joined alone: with a comma before, that is less than all items, so one of the last is taken
        items[:] = [before[-1], item]
        on = self._expression("bool", 0)
        items[:] = [*before, item]
        return f"{left} {kind} {text} ON {on}"

    def _matching(self, before: list[Item], item: Item) -> str:
        pairs = [(f"{before[-1].name}.{a}", f"{item.name}.{b}") for a, x in before[-1].columns for b, y in item.columns
                 if x == y and x in ("int", "text", "date", "uuid", "bool")]
        if not pairs:
            return ""
        left, right = self.draw.pick(pairs)
        return f"{left} = {right}"

    def _from_item(self, depth: int, lateral_possible: bool) -> tuple[str, Item]:
        draw = self.draw
        kind = draw.below(10)
        if kind >= 8 and depth > 0:
            lateral = lateral_possible and draw.chance(50)
            kept = self.scopes
            if not lateral:  # sees outer levels, not what stands beside it
                self.scopes = self.scopes[:-1]
            text, columns = self._query(depth - 1)
            self.scopes = kept
            name = f"s{self._number()}"
            names = [f"f{i}" for i in range(len(columns))]
            return (f"{'LATERAL ' if lateral else ''}({text}) AS {name} ({', '.join(names)})",
                    Item(name, [(n, k) for n, (_, k) in zip(names, columns) if k != "other"]))
        if kind == 7 and self.withs:
            item = draw.pick(self.withs)
            name = f"q{self._number()}"
            return f"{item.name} AS {name}", Item(name, [c for c in item.columns if c[1] != "other"])
        if kind == 6:
            name = f"v{self._number()}"
            if draw.chance(50):
                return f"generate_series(1, {1 + draw.below(4)}) AS {name} (g)", Item(name, [("g", "int")])
            rows = ", ".join(f"({self._literal('int')}, {self._literal('text')})" for _ in range(1 + draw.below(3)))
            return f"(VALUES {rows}) AS {name} (p, q)", Item(name, [("p", "int"), ("q", "text")])
        return self._from_table()

    def _from_table(self) -> tuple[str, Item]:
        draw = self.draw
        table = draw.pick(self.tables)
        columns = self._columns_of(table)
        used = {item.name for scope in self.scopes for item in scope} | {item.name for item in self.withs}
        if quoted(table.name) not in used and draw.chance(35):
            return self._table_name(table), Item(quoted(table.name), columns, table)
        name = f"t{self._number()}"
        if draw.chance(15):
            renamed = [(f"r{i}", kind) for i, (_, kind) in enumerate(columns)]
            return f"{self._table_name(table)} AS {name} ({', '.join(n for n, _ in renamed)})", Item(name, renamed)
        return f"{self._table_name(table)} AS {name}", Item(name, columns, table)

    def _table_name(self, table: Table) -> str:
        hidden = any(item.name == quoted(table.name) for item in self.withs)
        return f"@{table.schema}@.{quoted(table.name)}" if hidden or self.draw.chance(60) else quoted(table.name)

    def _columns_of(self, table: Table) -> list:
        return [(quoted(c.name) if c.name != "id" else "id", _KINDS.get(c.type, c.type)) for c in table.visible(self.role)]

    # ---- expressions --------------------------------------------------------------------------------------------

    def _number(self) -> int:
        self.numbered += 1
        return self.numbered

    def _cast(self, kind: str, text: str) -> str:
        return f"{text}::{_SQL_TYPES.get(_KINDS.get(kind, kind))}"

    def _literal(self, kind: str) -> str:
        return self._parameter(kind, a_value(self.draw, kind))

    def _parameter(self, kind: str, value) -> str:
        text = literal(value)
        if self.may_have_parameters and self.draw.chance(30):
            self.parameters.append(None if value is None else text[1:-1].replace("''", "'"))
            return f"${len(self.parameters)}::{_SQL_TYPES[kind]}"
        return f"{text}::{_SQL_TYPES[kind]}"

    def _column(self, kind: str) -> str | None:
        """Of the innermost level mostly; behind its item's name unless it can mean nothing else."""
        scopes = [scope for scope in self.scopes if scope]
        if not scopes:
            return None
        scope = scopes[-1] if len(scopes) == 1 or self.draw.chance(80) else self.draw.pick(scopes)
        found = [(item, name) for item in scope for name, of in item.columns if of == kind]
        if not found:
            return None
        item, name = self.draw.pick(found)
        alone = scope is self.scopes[-1] and sum(name == other for i in scope for other, _ in i.columns) == 1
        hides = any(i.name == name for s in self.scopes for i in s)
        return name if alone and not hides and self.draw.chance(40) else f"{item.name}.{name}"

    def _expression(self, kind: str, depth: int) -> str:
        draw = self.draw
        chosen = draw.below(10)
        if chosen >= 7 and depth > 0:
            return self._compound(kind, depth - 1)
        if kind == "bool" and chosen >= 3:
            return self._compound(kind, max(0, depth - 1))
        if chosen >= 1:
            column = self._column(kind)
            if column:
                return column
        return self._literal(kind)

    def _compound(self, kind: str, depth: int) -> str:
        draw = self.draw
        sub = lambda of: self._expression(of, depth)  # noqa: E731
        general = [lambda: f"coalesce({sub(kind)}, {sub(kind)})", lambda: f"nullif({sub(kind)}, {sub(kind)})",
                   lambda: f"CASE WHEN {sub('bool')} THEN {sub(kind)} ELSE {sub(kind)} END"]
        if kind in _ORDERED:
            general.append(lambda: f"greatest({sub(kind)}, {sub(kind)})")
            general.append(lambda: f"(SELECT {draw.pick(['min', 'max'])}(z.m) FROM ({self._query(0, [kind])[0]}) AS z (m))")
        special = {
            "int": [lambda: f"({sub('int')} % 97 + {sub('int')} % 89)", lambda: f"length({sub('text')})", lambda: f"extract(year FROM {sub('date')})::bigint",
                    lambda: f"(SELECT count(*) FROM ({self._query(0)[0]}) AS z)", lambda: f"({sub('date')} - {sub('date')})"],
            "num": [lambda: f"({sub('num')} + {sub('num')})", lambda: f"round({sub('num')}, 1)", lambda: f"({sub('int')} % 100)::numeric(10,2)"],
            "text": [lambda: f"({sub('text')} || {sub('text')})", lambda: f"upper({sub('text')})", lambda: f"left({sub('text')}, {draw.below(5)})",
                     lambda: f"({sub(draw.pick(_SORTABLE))})::text", lambda: f"concat({sub('text')}, '-', {sub('int')})",
                     lambda: f"({sub('json')} ->> 'k')", lambda: f"md5({sub('text')})", lambda: f"to_char({sub('date')}, 'YYYY-MM')",
                     lambda: f"replace({sub('text')}, 'a', {sub('text')})", lambda: f"reverse({sub('text')})"],
            "date": [lambda: f"({sub('date')} + {draw.below(9)})", lambda: f"date_trunc('month', {sub('date')})::date", lambda: f"({sub('moment')})::date"],
            "moment": [lambda: f"({sub('moment')} + interval '1 day')", lambda: f"date_trunc('day', {sub('moment')})"],
            "bool": self._conditions(depth),
            "uuid": [lambda: f"md5({sub('text')})::uuid"],
            "json": [lambda: f"jsonb_build_object('x', {sub(draw.pick(_SORTABLE))})", lambda: f"to_jsonb({sub(draw.pick(_SORTABLE))})",
                     lambda: f"({sub('json')} -> 'k')", lambda: f"({sub('json')} || {sub('json')})"],
        }
        return draw.pick(special[kind] + special[kind] + general)()

    def _conditions(self, depth: int) -> list:
        draw = self.draw
        any_ = draw.pick(_SORTABLE)
        sub = lambda of: self._expression(of, depth)  # noqa: E731
        return [lambda: f"({sub(any_)} {draw.pick(['=', '<>', '<', '>='])} {sub(any_)})",
                lambda: f"({sub(any_)} IS {draw.pick(['', 'NOT '])}NULL)",
                lambda: f"({sub(any_)} IS DISTINCT FROM {sub(any_)})",
                lambda: f"({sub('bool')} {draw.pick(['AND', 'OR'])} {sub('bool')})",
                lambda: f"(NOT {sub('bool')})",
                lambda: f"({sub(any_)} IN ({sub(any_)}, {sub(any_)}))",
                lambda: f"({sub('int')} BETWEEN {sub('int')} AND {sub('int')})",
                lambda: f"({sub('text')} LIKE {draw.pick(_PATTERNS)})",
                lambda: f"(EXISTS ({self._query(min(depth, 1))[0]}))",
                lambda: f"({sub(any_)} {draw.pick(['IN', 'NOT IN'])} ({self._query(0, [any_])[0]}))",
                lambda: f"({sub('int')} = ANY (ARRAY[{sub('int')}, {sub('int')}]))",
                lambda: f"(({sub('int')}, {sub('text')}) < ({sub('int')}, {sub('text')}))",
                lambda: f"({sub('json')} ? 'k')",
                lambda: f"({sub('json')} @> {sub('json')})",
                lambda: f"(({sub('text')} ~ '^[a-m]') IS TRUE)"]
