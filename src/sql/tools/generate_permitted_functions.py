#!/usr/bin/env python3
"""Write permitted_functions_table.inc: the functions of pg_catalog that a statement may call.

The names below were reviewed one by one. Not among them: whatever reads the catalogs, files,
large objects, statistics, settings or other sessions; whatever runs SQL given as text
(query_to_xml, ts_stat, ts_rewrite); whatever takes a reg* type; locks, notify, sleep, sequences
and everything that leaves something behind in the session.

Arities, kinds and the columns of set-returning functions are asked of a server:
    generate_permitted_functions.py 'host=/run/postgresql dbname=postgres' > permitted_functions_table.inc
"""
import sys

import psycopg

NAMES = """
abs acos acosd acosh age area array_agg array_append array_cat array_dims array_fill array_length array_lower array_ndims
array_position array_positions array_prepend array_remove array_replace array_to_json array_to_string array_to_tsvector
array_upper ascii asin asind asinh atan atan2 atan2d atand atanh avg bit bit_and bit_count bit_length bit_or bit_xor bool
bool_and bool_or box bpchar broadcast btrim cardinality cbrt ceil ceiling center char char_length character_length chr
circle clock_timestamp concat concat_ws convert convert_from convert_to corr cos cosd cosh cot cotd count covar_pop
covar_samp cume_dist current_database date date_bin date_part date_trunc datemultirange daterange decode degrees
dense_rank diagonal diameter div encode enum_first enum_last enum_range every exp extract factorial family first_value
float4 float8 floor format gcd gen_random_uuid generate_series generate_subscripts get_bit get_byte height
host hostmask inet_merge inet_same_family initcap int2 int4 int4multirange int4range int8 int8multirange int8range
interval is_normalized isclosed isempty isfinite ishorizontal isopen isparallel isperp isvertical json_agg
json_array_elements json_array_elements_text json_array_length json_build_array json_build_object json_each
json_each_text json_extract_path json_extract_path_text json_object json_object_agg json_object_keys
json_populate_record json_populate_recordset json_strip_nulls json_to_record json_to_recordset json_to_tsvector
json_typeof jsonb_agg jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array
jsonb_build_object jsonb_contained jsonb_contains jsonb_each jsonb_each_text jsonb_exists jsonb_exists_all
jsonb_exists_any jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_agg
jsonb_object_keys jsonb_path_exists jsonb_path_exists_tz jsonb_path_match jsonb_path_match_tz jsonb_path_query
jsonb_path_query_array jsonb_path_query_array_tz jsonb_path_query_first jsonb_path_query_first_tz jsonb_path_query_tz
jsonb_populate_record jsonb_populate_recordset jsonb_pretty jsonb_set jsonb_set_lax jsonb_strip_nulls jsonb_to_record
jsonb_to_recordset jsonb_to_tsvector jsonb_typeof justify_days justify_hours justify_interval lag last_value lcm lead
left length like like_escape line ln log log10 lower lower_inc lower_inf lpad lseg ltrim macaddr8_set7bit make_date
make_interval make_time make_timestamp make_timestamptz masklen max md5 min min_scale mod mode money multirange name
netmask network normalize notlike now npoints nth_value ntile num_nonnulls num_nulls numeric numnode nummultirange
numrange octet_length overlaps overlay parse_ident path pclose percent_rank percentile_cont percentile_disc
pg_char_to_encoding pg_client_encoding pg_collation_for pg_column_size pg_encoding_to_char pg_get_keywords pg_is_in_recovery pg_size_bytes pg_size_pretty
pg_typeof phraseto_tsquery pi plainto_tsquery point polygon popen position pow power querytree quote_ident
quote_literal quote_nullable radians radius random range_agg range_intersect_agg range_merge rank regexp_count
regexp_instr regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table
regexp_substr regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy repeat
replace reverse right round row_number row_to_json rpad rtrim scale set_bit set_byte set_masklen setweight sha224
sha256 sha384 sha512 sign similar_escape similar_to_escape sin sind sinh slope split_part sqrt starts_with
statement_timestamp stddev stddev_pop stddev_samp string_agg string_to_array string_to_table strip strpos substr
substring sum tan tand tanh text time timeofday timestamp timestamptz timetz timezone to_ascii to_char to_date to_hex
to_json to_jsonb to_number to_timestamp to_tsquery to_tsvector transaction_timestamp translate trim_array trim_scale
trunc ts_delete ts_filter ts_headline ts_rank ts_rank_cd tsmultirange tsquery_phrase tsrange tstzmultirange tstzrange
tsvector_to_array unistr unnest upper upper_inc upper_inf var_pop var_samp varbit varchar variance version
websearch_to_tsquery width width_bucket xmlagg xpath xpath_exists
""".split()

# Functions of the record type that need a column definition list, beside all set-returning ones.
IN_FROM = {"json_to_record", "jsonb_to_record", "json_to_recordset", "jsonb_to_recordset"}

QUERY = """
select p.proname, p.prokind::text, p.proretset, p.pronargs - p.pronargdefaults,
       case when p.provariadic <> 0 then 255 else p.pronargs end,
       (select coalesce(string_agg(a.name, ',' order by a.n), '')
          from unnest(p.proargnames, p.proargmodes) with ordinality a(name, mode, n) where a.mode in ('o', 't')),
       p.proargtypes::oid[] && (select array_agg(oid) from pg_type
           where typname in ('internal', 'cstring', 'regclass', 'regproc', 'regprocedure', 'regoper', 'regoperator',
                             'regtype', 'regrole', 'regnamespace'))
  from pg_proc p where p.pronamespace = 'pg_catalog'::regnamespace and p.proname = any(%s)
"""


def main() -> None:
    found = {}
    with psycopg.connect(sys.argv[1]) as connection:
        for name, kind, returns_set, low, high, columns, unfit in connection.execute(QUERY, [NAMES]):
            if unfit:
                continue
            if name in IN_FROM:
                returns_set = True
            entry = found.setdefault(name, {"kinds": set(), "low": low, "high": high, "sets": set(), "columns": set()})
            entry["kinds"].add(kind)
            entry["low"], entry["high"] = min(entry["low"], low), max(entry["high"], high)
            entry["sets"].add(returns_set)
            entry["columns"].add(columns)
    missing = [name for name in NAMES if name not in found]
    if missing:
        sys.exit("not in this server: " + " ".join(missing))
    print("// Generated by tools/generate_permitted_functions.py; sorted by name.")
    print("// name, least and most arguments (255: variadic), kind, returns a set, names of its columns")
    for name, e in sorted(found.items()):
        kind = "Aggregate" if e["kinds"] & {"a"} else "Window" if e["kinds"] == {"w"} else "Plain"
        columns = "" if name == "unnest" else max(e["columns"], key=len)
        print(f'    {{"{name}", {e["low"]}, {e["high"]}, Permit::{kind}, {str(True in e["sets"]).lower()}, "{columns}"}},')


main()
