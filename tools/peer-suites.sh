#!/bin/sh
# The suites of libpqxx and node-postgres, directly and through Bartizan. Not part of make test: it fetches and builds.
# Arguments go to tests/conformance/peer_suites.py: --suites, --target, --pool-mode, --only WORD..., --json FILE.
exec nice /usr/bin/python3 "$(dirname "$0")/../tests/conformance/peer_suites.py" "$@"
