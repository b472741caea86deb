#!/usr/bin/env bash
# tools/bench-audit.sh: how large the index of an audit log of EVENTS events (default 10,000,000) gets, what an event costs
# it, and how long searches take. FOLDER keeps the index for the next run; 100,000,000 take 1.5 GB and a few minutes.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
tools/bootstrap.sh build || exit 1
cmake --preset release >/dev/null && ninja -C build/release audit_index_bench || exit 1
kept=${FOLDER:-}
folder=${kept:-$(mktemp -d)/index}
build/release/bin/audit_index_bench "${EVENTS:-10000000}" "$folder"
status=$?
[[ -n $kept ]] || rm -rf "$(dirname "$folder")"
exit "$status"
