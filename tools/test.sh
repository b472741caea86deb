#!/usr/bin/env bash
# tools/test.sh [default|fast|full|versions|conformance|bench] [options of tools/test.py]
# Installs what is missing, then hands over to the runner under Debian's own Python.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
started=$EPOCHREALTIME
sets=(build run test lint)
[[ ${1:-default} != fast ]] || sets=(build lint test)
tools/bootstrap.sh "${sets[@]}" || { echo "0 passed, 1 failed, 0 skipped"; exit 1; }
took=$(((${EPOCHREALTIME/[.,]/} - ${started/[.,]/}) / 1000))
exec /usr/bin/python3 -E -s -B tools/test.py "${1:-default}" "${@:2}" --bootstrap-millis "$took" </dev/null
