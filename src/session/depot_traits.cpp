#include "bartizan/session/depot_traits.hpp"

#include <algorithm>
#include <utility>

#include "bartizan/sql/known_names.hpp"

namespace bartizan::session {

namespace {

// `own`: functions from initdb's first free oid on, but for those in C of a few extensions, which only a
// superuser can have made. A trigger function runs by its trigger alone, a procedure by CALL. Any other
// is out of sight only where it can be called without its name being taken for a function's that is
// not known: as `t.f` by one argument, under a name that the gateway knows as PostgreSQL's, or by
// what depends on it.
// `leaving`: of PostgreSQL's own, all volatile ones that are not known to leave nothing, and those that
// run a text. The stored expressions that could call one are searched for them; index expressions and
// generated columns hold immutable functions alone.
// Every operator, function and type is qualified: the login's search_path may name others first.
constexpr std::string_view kBeforeNames =
    R"(WITH own AS MATERIALIZED (
  SELECT p.oid, p.proname, p.prokind, p.prorettype, p.provariadic, p.pronargs, p.pronargdefaults
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid OPERATOR(pg_catalog.=) p.prolang
  WHERE p.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
    AND NOT (l.lanname OPERATOR(pg_catalog.=) 'internal'::pg_catalog.name AND
      p.prosrc OPERATOR(pg_catalog.~) '^(range_constructor[23]|multirange_constructor[012])$'::pg_catalog.text)
    AND NOT (l.lanname OPERATOR(pg_catalog.=) 'c'::pg_catalog.name AND EXISTS (
      SELECT FROM pg_catalog.pg_depend d
      JOIN pg_catalog.pg_extension e ON e.oid OPERATOR(pg_catalog.=) d.refobjid
      WHERE d.classid OPERATOR(pg_catalog.=) 1255::pg_catalog.oid AND d.objid OPERATOR(pg_catalog.=) p.oid
        AND d.deptype OPERATOR(pg_catalog.=) 'e'::pg_catalog."char"
        AND d.refclassid OPERATOR(pg_catalog.=) 3079::pg_catalog.oid
        AND e.extname OPERATOR(pg_catalog.=) ANY ('{btree_gin,btree_gist,cube,fuzzystrmatch,hstore,intarray,)"
    R"(ltree,pg_stat_statements,pg_trgm,pgcrypto,unaccent,uuid-ossp,vector}'::pg_catalog.name[])))
), called AS MATERIALIZED (
  SELECT p.oid, p.prokind OPERATOR(pg_catalog.<>) 'p'::pg_catalog."char" AND
      p.prorettype OPERATOR(pg_catalog.<>) 2279::pg_catalog.oid AND
      p.prorettype OPERATOR(pg_catalog.<>) 3838::pg_catalog.oid AND (
        p.prokind OPERATOR(pg_catalog.<>) 'f'::pg_catalog."char" OR
        p.provariadic OPERATOR(pg_catalog.<>) 0::pg_catalog.oid OR
        (p.pronargs OPERATOR(pg_catalog.>=) 1::pg_catalog.int2 AND
         p.pronargs OPERATOR(pg_catalog.-) p.pronargdefaults OPERATOR(pg_catalog.<=) 1::pg_catalog.int2) OR
        p.proname OPERATOR(pg_catalog.=) ANY ('{)";
constexpr std::string_view kAfterNames = R"(}'::pg_catalog.name[])) AS unseen,
    d.classid
  FROM own p LEFT JOIN pg_catalog.pg_depend d ON d.refclassid OPERATOR(pg_catalog.=) 1255::pg_catalog.oid
    AND d.refobjid OPERATOR(pg_catalog.=) p.oid AND d.classid OPERATOR(pg_catalog.<>) 1255::pg_catalog.oid
), leaving AS MATERIALIZED (
  SELECT p.oid, p.oid::pg_catalog.text AS id, p.proname OPERATOR(pg_catalog.=) 'nextval'::pg_catalog.name AS by_default
  FROM pg_catalog.pg_proc p
  WHERE p.oid OPERATOR(pg_catalog.<) 16384::pg_catalog.oid AND (
    p.proname OPERATOR(pg_catalog.~) '_to_xml|^ts_(stat|rewrite)$'::pg_catalog.text OR (
      p.provolatile OPERATOR(pg_catalog.=) 'v'::pg_catalog."char" AND
      NOT p.proname OPERATOR(pg_catalog.=) ANY ('{random,random_normal,clock_timestamp,timeofday,gen_random_uuid,uuidv4,)"
                                         R"(uuidv7}'::pg_catalog.name[])))
), expressions AS (
  SELECT r.ev_action::pg_catalog.text AS tree, 'r' AS of FROM pg_catalog.pg_rewrite r WHERE r.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
  UNION ALL SELECT r.ev_qual::pg_catalog.text, 'r' FROM pg_catalog.pg_rewrite r WHERE r.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
  UNION ALL SELECT c.conbin::pg_catalog.text, 'r' FROM pg_catalog.pg_constraint c WHERE c.conbin IS NOT NULL AND c.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
  UNION ALL SELECT p.polqual::pg_catalog.text, 'r' FROM pg_catalog.pg_policy p WHERE p.polqual IS NOT NULL
  UNION ALL SELECT p.polwithcheck::pg_catalog.text, 'r' FROM pg_catalog.pg_policy p WHERE p.polwithcheck IS NOT NULL
  UNION ALL SELECT t.typdefaultbin::pg_catalog.text, 'r' FROM pg_catalog.pg_type t WHERE t.typdefaultbin IS NOT NULL AND t.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
  UNION ALL SELECT d.adbin::pg_catalog.text, 'w' FROM pg_catalog.pg_attrdef d
  UNION ALL SELECT t.tgqual::pg_catalog.text, 'w' FROM pg_catalog.pg_trigger t WHERE t.tgqual IS NOT NULL
), found AS MATERIALIZED (
  SELECT e.of FROM expressions e
  CROSS JOIN LATERAL pg_catalog.unnest(pg_catalog.string_to_array(e.tree, ':funcid ')) c(call)
  JOIN leaving l ON l.id OPERATOR(pg_catalog.=) pg_catalog.split_part(pg_catalog.left(c.call, 12), ' ', 1)
  WHERE NOT (l.by_default AND e.of OPERATOR(pg_catalog.=) 'w')
), verdict AS (
  SELECT NOT EXISTS (SELECT FROM called c WHERE c.unseen OR (c.classid IS NOT NULL AND
        NOT c.classid OPERATOR(pg_catalog.=) ANY ('{2604,2620,3466}'::pg_catalog.oid[])))
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_operator o, leaving l WHERE o.oprcode::pg_catalog.oid OPERATOR(pg_catalog.=) l.oid AND
        o.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_cast k, leaving l WHERE k.castfunc OPERATOR(pg_catalog.=) l.oid AND
        k.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_foreign_table)
    AND NOT EXISTS (SELECT FROM found f WHERE f.of OPERATOR(pg_catalog.=) 'r') AS reads
)
SELECT v.reads, v.reads AND NOT EXISTS (SELECT FROM called c WHERE c.classid IS NOT NULL)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t, leaving l WHERE t.tgfoid OPERATOR(pg_catalog.=) l.oid AND NOT t.tgisinternal)
  AND NOT EXISTS (SELECT FROM found f), )";

// What the verdict rests on, by the transactions that made it.
constexpr std::string_view kMark =
    R"((SELECT pg_catalog.concat(pg_catalog.count(*), ' ', pg_catalog.sum(pg_catalog.hashtextextended(m.row, 0))) FROM (
    SELECT pg_catalog.concat('f', oid, ' ', xmin) AS row FROM pg_catalog.pg_proc WHERE oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
    UNION ALL SELECT pg_catalog.concat('u', classid, ' ', objid, ' ', xmin) FROM pg_catalog.pg_depend WHERE refclassid OPERATOR(pg_catalog.=) 1255::pg_catalog.oid
    UNION ALL SELECT pg_catalog.concat('r', oid, ' ', xmin) FROM pg_catalog.pg_rewrite WHERE oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
    UNION ALL SELECT pg_catalog.concat('c', oid, ' ', xmin) FROM pg_catalog.pg_constraint WHERE conbin IS NOT NULL AND oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
    UNION ALL SELECT pg_catalog.concat('d', oid, ' ', xmin) FROM pg_catalog.pg_attrdef
    UNION ALL SELECT pg_catalog.concat('p', oid, ' ', xmin) FROM pg_catalog.pg_policy
    UNION ALL SELECT pg_catalog.concat('t', oid, ' ', xmin) FROM pg_catalog.pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT pg_catalog.concat('y', oid, ' ', xmin) FROM pg_catalog.pg_type WHERE typdefaultbin IS NOT NULL AND oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
    UNION ALL SELECT pg_catalog.concat('o', oid, ' ', xmin) FROM pg_catalog.pg_operator WHERE oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
    UNION ALL SELECT pg_catalog.concat('k', oid, ' ', xmin) FROM pg_catalog.pg_cast WHERE oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
    UNION ALL SELECT pg_catalog.concat('g', ftrelid, ' ', xmin) FROM pg_catalog.pg_foreign_table) m))";

}  // namespace

const std::string& DepotTraits::text_of(const Question& question) {
  static const std::string whole = std::string(kBeforeNames) + sql::known_function_names() + std::string(kAfterNames) +
                                   std::string(kMark) + " FROM verdict v";
  static const std::string mark = "SELECT " + std::string(kMark);
  return question.whole ? whole : mark;
}

DepotTraits::Verdict DepotTraits::verdict(SteadyTime now) const noexcept {
  const auto packed = packed_.load();
  if (packed == 0 || defining_.load() != 0 || packed >> 2 != epoch_.load()) return Verdict();
  const SteadyTime proven{SteadyTime::duration(proven_at_.load())};
  return now - proven > 2 * kHolds ? Verdict() : Verdict(packed);
}

DepotTraits::Question DepotTraits::take_question(SteadyTime now) {
  if (!asks_ || defining_.load() != 0) return {};
  const auto epoch = epoch_.load();
  const auto packed = packed_.load();
  const bool known = packed >> 2 == epoch;
  const auto ticks = now.time_since_epoch().count();
  if (known && now - SteadyTime{SteadyTime::duration(proven_at_.load())} <= kHolds) return {};
  if (ticks < next_question_at_.load()) return {};
  const std::lock_guard lock(mutex_);
  if (ticks < next_question_at_.load()) return {};
  const auto rest = std::max<SteadyTime::duration>(kAskedAtMostEvery, kRestPerCost * cost_);
  next_question_at_.store((now + rest).time_since_epoch().count());
  return {epoch, !known, now};
}

void DepotTraits::take_answer(const Question& question, Answer answer, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  if (question.whole) {
    cost_ = now - question.asked;
    packed_.store(question.epoch << 2 | (answer.writes_leave_nothing ? 2U : 0U) |
                  (answer.reads_leave_nothing ? 1U : 0U));
    mark_ = std::move(answer.mark);
  } else if (answer.mark != mark_ || packed_.load() >> 2 != question.epoch) {
    packed_.store(0);  // asked for wholly by the next
    return;
  }
  proven_at_.store(question.asked.time_since_epoch().count());
}

}  // namespace bartizan::session
