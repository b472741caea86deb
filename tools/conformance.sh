#!/bin/sh
# PostgreSQL's regression suite and libpq_pipeline through Bartizan, scored against a direct run.
# Arguments go to tests/conformance/run.py: --pool-mode session|transaction, --short, --target pgbouncer,
# --only NAME..., --json FILE.
exec nice /usr/bin/python3 "$(dirname "$0")/../tests/conformance/run.py" "$@"
