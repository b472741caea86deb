"""Startup parameters, ParameterStatus, SET and RESET, version negotiation, what a session leaves behind."""
import wire_messages as m
from differential.script import (Registry, drop_connection, on, open_session, open_with, q, raw_to_end, read_to_end,
                                 ready, startup_bytes, wait_sql)

scenarios = Registry()
add = scenarios.add

# ---- StartupMessage
add("startup.plain", open_session, logs_startup=True)
add("startup.application_name", open_session, q("show application_name"), startup={"application_name": "probe ü"},
    logs_startup=True)
for parameter, value in {
        "datestyle": "Postgres, MDY", "timezone": "Asia/Kolkata", "client_encoding": "LATIN1",
        "extra_float_digits": "3", "search_path": "pg_catalog, public", "statement_timeout": "12345",
        "intervalstyle": "postgres_verbose", "work_mem": "5MB", "default_transaction_isolation": "serializable",
        "lock_timeout": "99", "idle_in_transaction_session_timeout": "60000", "bytea_output": "escape",
        "standard_conforming_strings": "off", "default_transaction_read_only": "on", "geqo": "off",
        "plpgsql.extra_warnings": "all", "my.custom": "value"}.items():
    add(f"startup.guc_{parameter}", open_session,
        q(f"show {parameter}", f"set {parameter} to default", f"show {parameter}",
          f"select setting, reset_val, source from pg_settings where name = lower('{parameter}')",
          "discard all", f"show {parameter}"),
        startup={parameter: value}, logs_startup=True)
add("startup.reset_goes_back_to_startup_value",
    q("set datestyle to 'German'", "show datestyle", "reset datestyle", "show datestyle",
      "set timezone to 'UTC'", "reset timezone", "show timezone", "reset all", "show datestyle"),
    startup={"datestyle": "Postgres, MDY", "timezone": "Asia/Tokyo"}, logs_startup=True)
add("startup.options_c", q("show work_mem", "show geqo", "reset work_mem", "show work_mem"),
    startup={"options": "-c work_mem=7MB -c geqo=off"}, logs_startup=True)
add("startup.options_double_dash", q("show work_mem", "show search_path"),
    startup={"options": "--work-mem=9MB --search_path=pg_catalog"})
add("startup.options_joined_c", q("show work_mem"), startup={"options": "-cwork_mem=6MB"})
add("startup.options_escapes", q("show application_name"), startup={"options": "-c application_name=a\\ b\\\\c"})
add("startup.options_datestyle_reported", open_session, q("reset datestyle", "show datestyle"),
    startup={"options": "-c datestyle=SQL,DMY"}, logs_startup=True)
add("startup.options_and_parameter_conflict", q("show work_mem"),
    startup={"options": "-c work_mem=7MB", "work_mem": "8MB"})
add("startup.options_empty", open_session, q("select 1"), startup={"options": ""})
add("startup.options_spaces", open_session, q("select 1"), startup={"options": "    "})
for stem, text in {"empty_name": "-c=", "no_value": "-c work_mem", "lonely_c": "-c", "lonely_dashes": "--",
                   "unknown_switch": "-Z", "unknown_guc": "-c no_such=1", "bad_value": "-c work_mem=lots",
                   "only_word": "hello", "postmaster_guc": "-c port=1", "superuser_guc": "-c log_min_messages=debug1",
                   "system_switch": "-D /tmp", "many": "-c geqo=off " * 200, "switch_d": "-d 5", "switch_f": "-f s",
                   "switch_e": "-e", "switch_s": "-S 4096"}.items():
    add(f"startup.options_{stem}", open_session, q("select 1"), startup={"options": text})
add("startup.unknown_guc", open_session, startup={"no_such_setting": "1"})
add("startup.bad_guc_value", open_session, startup={"work_mem": "lots"})
add("startup.bad_client_encoding", open_session, startup={"client_encoding": "KLINGON"})
add("startup.superuser_guc", open_session, startup={"log_statement": "all"})
add("startup.unknown_database", open_session, startup={"database": "no_such_db"})
add("startup.database_defaults_to_user", open_session, q("select current_database()"), startup={"database": None})
add("startup.empty_database", open_session, q("select current_database()"), startup={"database": ""})
add("startup.no_user", open_session, startup={"user": None}, gateway_answers=True)
add("startup.empty_user", open_session, startup={"user": ""}, gateway_answers=True)
add("startup.names_are_case_insensitive_gucs", q("show work_mem"), startup={"WORK_MEM": "5MB"})
add("startup.replication_false", open_session, q("select 1"), startup={"replication": "false"})
add("startup.replication_nonsense", open_session, startup={"replication": "maybe"}, gateway_answers=True)
add("startup.no_terminator", startup_bytes(m.untyped(m.PROTOCOL_3_0, b"user\0app\0database\0app")), read_to_end,
    gateway_answers=True)
add("startup.name_without_value", startup_bytes(m.untyped(m.PROTOCOL_3_0, b"user\0app\0database\0\0")), read_to_end,
    gateway_answers=True)
add("startup.bytes_after_terminator", startup_bytes(m.untyped(m.PROTOCOL_3_0, b"user\0app\0\0tail")), read_to_end,
    gateway_answers=True)

# ---- versions
add("version.3_2", open_session, q("select 1"), version=0x00030002, logs_startup=True)
add("version.3_9999", open_session, q("select 1"), version=0x0003270F, logs_startup=True)
add("version.3_0_with_pq_option", open_session, q("select 1"), startup={"_pq_.unknown": "x"}, logs_startup=True)
add("version.3_2_with_pq_options", open_session, q("select 1"), version=0x00030002, logs_startup=True,
    startup={"_pq_.one": "1", "_pq_.two": "2", "application_name": "x"})
add("version.2_0", startup_bytes(m.untyped(0x00020000, b"\0" * 288)), raw_to_end, gateway_answers=True)
add("version.4_0", startup_bytes(m.untyped(0x00040000, b"user\0app\0\0")), read_to_end, gateway_answers=True)
add("version.1_0", startup_bytes(m.untyped(0x00010000, b"user\0app\0\0")), raw_to_end, gateway_answers=True)
add("version.0_0", startup_bytes(m.untyped(0, b"user\0app\0\0")), raw_to_end, gateway_answers=True)
add("version.ssl_request_inside_tls", startup_bytes(m.ssl_request()), raw_to_end, gateway_answers=True)

# ---- ParameterStatus and SET
add("parameter.reported_on_set", q("set application_name to 'one'", "set timezone to 'Asia/Tokyo'",
                                   "set datestyle to 'SQL, DMY'", "set intervalstyle to 'iso_8601'",
                                   "set standard_conforming_strings to off", "set client_encoding to 'LATIN1'",
                                   "select 'ä'", "set work_mem to '2MB'"))
add("parameter.same_value_not_reported", q("set application_name to 'x'", "set application_name to 'x'"))
add("parameter.rolled_back", q("begin", "set application_name to 'x'", "rollback", "show application_name"))
add("parameter.savepoint", q("begin", "set application_name to 'x'", "savepoint s", "set application_name to 'y'",
                             "rollback to s", "commit", "show application_name"))
add("parameter.set_local", q("begin", "set local timezone to 'Asia/Tokyo'", "show timezone", "commit", "show timezone",
                             "set local timezone to 'Asia/Tokyo'"))
add("parameter.set_config", q("select set_config('application_name', 'fn', false)",
                              "select set_config('timezone', 'Asia/Tokyo', true)", "show timezone"))
add("parameter.multi_statement_reports_once", q("set application_name to 'a'; set application_name to 'b'; select 1"))
add("parameter.set_role_reports_is_superuser", q("set session authorization default", "set role none"))
add("parameter.discard_all", q("set application_name to 'x'", "set datestyle to 'German'", "discard all", "show datestyle"))
add("parameter.reset_all", q("set application_name to 'x'", "set datestyle to 'German'", "reset all", "show datestyle"))
add("parameter.failed_set", q("set datestyle to 'Martian'", "set no_such to 1", "set work_mem to '-1'"))
add("parameter.client_encoding_errors", q("set client_encoding to 'LATIN1'", "select '€'", "select U&'\\20AC'",
                                          "set client_encoding to 'KLINGON'"))
add("parameter.sql_ascii", m.query(b"set client_encoding to sql_ascii"), ready, m.query(b"select '\xe4'"), ready)
add("parameter.function_set_clause", q(
    "create function pg_temp.f() returns text language sql set timezone to 'Asia/Tokyo' as "
    "$$ select current_setting('timezone') $$", "select pg_temp.f()", "show timezone"))

# ---- nothing leaks into the next session (pitfall 19)
_GONE = wait_sql("select not exists (select from pg_locks where locktype = 'advisory' and objid = 515151)")
add("leave.everything_then_terminate",
    q("set application_name to 'left'", "set work_mem to '3MB'", "create temp table left_t(a int)",
      "prepare left_s as select 1", "select pg_advisory_lock(515151)", "listen left_c", "begin", "create temp table u(a int)"),
    m.terminate(), read_to_end, _GONE, on("b"), open_session,
    q("show work_mem", "select to_regclass('left_t')", "execute left_s", "select pg_try_advisory_lock(515151)",
      "select count(*) from pg_listening_channels()", "show application_name", "rollback"))
add("leave.everything_then_die",
    q("set work_mem to '3MB'", "create temp table left_t(a int)", "select pg_advisory_lock(515151)", "begin", "select 1"),
    drop_connection, _GONE, on("b"), open_session,
    q("show work_mem", "select to_regclass('left_t')", "select pg_try_advisory_lock(515151)", "rollback"))
add("leave.die_with_replies_in_flight",
    m.query("select pg_advisory_lock(515151), generate_series(1, 200000)") * 2, drop_connection, _GONE, on("b"),
    open_session, q("select 'mine'", "select pg_try_advisory_lock(515151)"))
add("leave.die_in_copy_in", setup=("create table public.left_copy(a int)", "grant all on public.left_copy to app"),
    cleanup="drop table public.left_copy", *[
        m.query("copy public.left_copy from stdin"), lambda run: run.read(lambda x: x.name == "CopyInResponse"),
        m.copy_data("1\n"), drop_connection,
        wait_sql("select not exists (select from pg_locks where relation = 'public.left_copy'::regclass "
                 "and pid <> pg_backend_pid())"),
        on("b"), open_session, q("select count(*) from public.left_copy")])
add("leave.startup_values_of_another", open_with(work_mem="3MB", datestyle="German"), q("show work_mem"),
    m.terminate(), read_to_end, on("b"), open_session, q("show work_mem", "show datestyle"))
