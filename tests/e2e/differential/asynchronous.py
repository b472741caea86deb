"""LISTEN and NOTIFY, CancelRequest, messages that come unasked."""
import wire_messages as m
from differential.script import (Registry, cancel, extended, on, open_session, q, read_to_end, ready, until,
                                 wait_running, wait_sql)

scenarios = Registry()
add = scenarios.add

add("notify.self", q("listen ch", "notify ch", "notify ch, 'payload'", "unlisten ch", "notify ch, 'unheard'"))
add("notify.self_extended", extended("listen ch"), extended("select pg_notify('ch', 'p')"))
add("notify.duplicates_folded", q("listen ch", "begin; notify ch, 'a'; notify ch, 'a'; notify ch, 'b'; commit"))
add("notify.rolled_back", q("listen ch", "begin", "notify ch, 'x'", "rollback", "select 1"))
add("notify.other_session_idle", q("listen ch"), on("b"), q("notify ch, 'from b'"), on("a"), until("NotificationResponse"),
    q("select 1"))
add("notify.waits_for_end_of_transaction", q("listen ch", "begin"), on("b"), q("notify ch, 'from b'"), on("a"),
    q("select 'no notification here'", "commit"))
add("notify.two_listeners", q("listen ch"), on("b"), q("listen ch", "notify ch, 'both'"), on("a"),
    until("NotificationResponse"))
add("notify.long_payload", q("listen ch", "select pg_notify('ch', repeat('x', 7999))", "select pg_notify('ch', repeat('x', 8000))"))
add("notify.many", q("listen ch", "select count(pg_notify('ch', x::text)) from generate_series(1,500) x"))
add("notify.channel_names", q('listen "Ch ü"', "select pg_notify('Ch ü', 'p')", "select pg_notify('', 'p')",
                              "select pg_listening_channels()"))

add("pid.backend_key_is_backend_pid", q("select pg_backend_pid()"), shows_pid=True)
add("pid.in_deadlock_free_lock_wait_message", q("select pg_backend_pid() = any(array(select pid from pg_stat_activity))"))

add("cancel.running_query", m.query("select /* diff_cancel_1 */ pg_sleep(30)"), wait_running("diff_cancel_1"),
    cancel("a"), ready, q("select 'alive'"))
add("cancel.running_extended", m.parse("", "select /* diff_cancel_2 */ pg_sleep(30)") + m.bind() + m.execute() + m.sync(),
    wait_running("diff_cancel_2"), cancel("a"), ready, q("select 'alive'"))
add("cancel.in_transaction", q("begin"), m.query("select /* diff_cancel_3 */ pg_sleep(30)"), wait_running("diff_cancel_3"),
    cancel("a"), ready, q("select 1", "rollback"))
add("cancel.pipeline_rest_is_skipped", m.parse("", "select /* diff_cancel_4 */ pg_sleep(30)") + m.bind() + m.execute()
    + m.parse("", "select 'not reached'") + m.bind() + m.execute() + m.sync() + m.query("select 'next'"),
    wait_running("diff_cancel_4"), cancel("a"), ready, ready)
add("cancel.only_first_of_two_queued", m.query("select /* diff_cancel_5 */ pg_sleep(30)") + m.query("select 'second'"),
    wait_running("diff_cancel_5"), cancel("a"), ready, ready)
add("cancel.copy_out", m.query("copy (select /* diff_cancel_6 */ pg_sleep(30)) to stdout"), wait_running("diff_cancel_6"),
    cancel("a"), ready, q("select 1"))
add("cancel.copy_in", q("create temp table t(a int)"), m.query("copy /* diff_cancel_7 */ t from stdin"),
    until("CopyInResponse"), m.copy_data("1\n"), cancel("a"), wait_sql("select pg_sleep(1.5) is not null"),
    m.copy_data("2\n") + m.copy_done(), ready, q("select 1"))
add("cancel.idle_session_is_unharmed", q("select 1"), cancel("a"), wait_sql("select pg_sleep(0.3) is not null"),
    q("select 2", "select 3"))
add("cancel.wrong_key_is_ignored", m.query("select /* diff_cancel_8 */ pg_sleep(1)"), wait_running("diff_cancel_8"),
    cancel("a", key=b"\0\0\0\0"), ready)
add("cancel.wrong_pid_is_ignored", m.query("select /* diff_cancel_9 */ pg_sleep(1)"), wait_running("diff_cancel_9"),
    cancel("a", pid_offset=1), ready)
add("cancel.other_session_is_unharmed", open_session, on("b"), m.query("select /* diff_cancel_10 */ pg_sleep(1), 'b'"),
    wait_running("diff_cancel_10"), cancel("a"), ready, on("a"), q("select 'a'"))
add("cancel.key_of_ended_session", q("select 1"), on("b"), m.query("select /* diff_cancel_11 */ pg_sleep(1), 'b'"),
    wait_running("diff_cancel_11"), on("a"), m.terminate(), on("b"), cancel("a"), ready)
add("cancel.twice", m.query("select /* diff_cancel_12 */ pg_sleep(30)"), wait_running("diff_cancel_12"), cancel("a"), ready,
    m.query("select /* diff_cancel_13 */ pg_sleep(30)"), wait_running("diff_cancel_13"), cancel("a"), ready)

add("async.terminated_by_another_while_idle", q("set application_name to 'diff_victim'"), on("b"),
    wait_sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'diff_victim'"),
    on("a"), read_to_end)
add("async.terminated_by_another_while_busy", m.query("select /* diff_busy */ pg_sleep(30)"), wait_running("diff_busy"),
    wait_sql("select pg_terminate_backend(pid) from pg_stat_activity where state = 'active' and query like '%diff_busy%' "
             "and pid <> pg_backend_pid()"), read_to_end)
