#!/usr/bin/env bash
# Builds and runs Bartizan from this checkout: `make up`, `make down`, `make status`.
# Reads DATA, PORT and DETACH from the environment; what is unset is the program's default.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly kBinary=build/release/bin/bartizan

# phase "what" command...: runs it and says how long it took.
phase() {
  local what=$1 started=$EPOCHREALTIME took
  shift
  "$@"
  took=$(((${EPOCHREALTIME/[.,]/} - ${started/[.,]/}) / 100000))
  printf '== %-28s %5d.%d s\n' "$what" $((took / 10)) $((took % 10))
}

configure() { cmake --preset release >build/release-configure.log 2>&1 || { cat build/release-configure.log >&2; return 1; }; }
build() { cmake --build build/release --target bartizan; }

# The program's own choice, said here so that down and status find it too.
if [[ -z ${DATA:-} ]] && ((EUID != 0)); then DATA=${BARTIZAN_DATA:-$HOME/.local/share/bartizan}; fi
arguments=()
[[ -z ${DATA:-} ]] || arguments+=(--data "$DATA")

case ${1:-} in
  up)
    phase "packages" tools/bootstrap.sh build run
    if [[ ! -e apps/bartizan/CMakeLists.txt ]]; then
      echo "apps/bartizan does not exist in this checkout: there is no program to run" >&2
      exit 1
    fi
    mkdir -p build
    phase "configure" configure
    phase "build" build
    [[ -z ${PORT:-} ]] || arguments+=(--port "$PORT")
    [[ -z ${DETACH:-} || $DETACH == 0 ]] || arguments+=(--detach)
    exec "$kBinary" up "${arguments[@]}"
    ;;
  down | status)
    if [[ ! -x $kBinary ]]; then
      echo "nothing is built here: run 'make up' first" >&2
      exit 1
    fi
    exec "$kBinary" "$1" "${arguments[@]}"
    ;;
  *)
    echo "usage: tools/run.sh up|down|status" >&2
    exit 2
    ;;
esac
