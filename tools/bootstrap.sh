#!/usr/bin/env bash
# Installs what Bartizan needs on Debian 12, and nothing when all of it is there (then it
# touches no file, takes no lock and asks no package index).
#
#   tools/bootstrap.sh [--check] [build] [run] [test] [lint]    default: build run test lint
#
# Needs root or passwordless sudo only when something is missing; else it prints the one line
# to run. It starts, stops and creates no system service: while apt works, a drop-in keeps
# postgresql-common from making its "main" cluster and a policy-rc.d refuses every start, stop
# and restart. Both are taken away again at the end, whatever the end was; a policy-rc.d that
# is not ours is left alone.
set -euo pipefail
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true
export NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none
unset CDPATH
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

kSelf=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/$(basename "${BASH_SOURCE[0]}")
readonly kSelf
readonly kLock=/run/bartizan-bootstrap.lock
readonly kPolicy=/usr/sbin/policy-rc.d
readonly kDropInDir=/etc/postgresql-common/createcluster.d
readonly kDropIn=$kDropInDir/zz-bartizan-bootstrap.conf
readonly kMarker='# Temporary: written by bartizan tools/bootstrap.sh'
readonly kAttempts=4

packages_of() {
  case $1 in
    build) echo "ca-certificates make pkgconf cmake ninja-build ccache g++ clang-19 lld-19 llvm-19 libclang-rt-19-dev
      libboost1.81-dev libboost-json1.81-dev libpg-query-dev libprotobuf-c-dev libfmt-dev libexpected-dev
      libtomlplusplus-dev libyaml-cpp-dev libcli11-dev doctest-dev libbenchmark-dev libssl-dev libpq-dev libidn-dev libargon2-dev libp11-kit-dev libzstd-dev" ;;
    run) echo "postgresql-15 postgresql-client-15" ;;
    test) echo "git python3 python3-pytest python3-pytest-timeout python3-psycopg python3-psycopg2 pgbouncer
      postgresql-server-dev-15 libpqxx-dev openssl zstd softhsm2 golang-go golang-golang-x-mod-dev python3-jsonschema
      rsyslog rsyslog-relp rsyslog-openssl gocryptfs fuse3" ;;
    lint) echo "git python3 clang-format-19 clang-tidy-19 clang-tools-19" ;;
    *) return 1 ;;
  esac
}

usage() {
  sed -n '2,11s/^# \{0,1\}//p' "$kSelf"
  exit 2
}

# Prints the packages of the sets that dpkg does not report as installed.
missing_packages() {
  local set name wanted=() installed
  for set in "$@"; do
    # shellcheck disable=SC2207
    wanted+=($(packages_of "$set"))
    # Any Node.js will do, not only Debian's.
    if [[ $set == test ]]; then
      command -v node >/dev/null || wanted+=(nodejs)
      command -v npm >/dev/null || wanted+=(npm)
    fi
  done
  installed=$'\n'$(dpkg-query -W -f '${db:Status-Status} ${binary:Package}\n' 2>/dev/null |
    sed -n 's/^installed \([^:]*\).*/\1/p')$'\n'
  for name in $(printf '%s\n' "${wanted[@]}" | sort -u); do
    [[ $installed == *$'\n'"$name"$'\n'* ]] || echo "$name"
  done
}

clusters() { find /etc/postgresql -mindepth 2 -maxdepth 2 -type d 2>/dev/null | sort || true; }

# What we put in place, to be taken away again; empty until then.
placed_policy=
placed_dropin=
placed_dirs=()
log=

clean_up() {
  local status=$? dir
  trap - EXIT INT TERM HUP
  [[ -n $placed_policy ]] && rm -f "$kPolicy"
  [[ -n $placed_dropin ]] && rm -f "$kDropIn"
  for dir in "${placed_dirs[@]}"; do rmdir --ignore-fail-on-non-empty "$dir" 2>/dev/null || true; done
  if [[ -n $log ]]; then
    if ((status != 0)); then
      echo "bootstrap: failed; the end of the package manager's output:" >&2
      tail -n 40 "$log" >&2
    fi
    rm -f "$log"
  fi
  exit "$status"
}

# Takes the policy only if there is none, or one left behind by a run of ours that was killed.
place_guards() {
  local dir
  if [[ ! -e $kPolicy && ! -L $kPolicy ]] || grep -qxF "$kMarker" "$kPolicy" 2>/dev/null; then
    placed_policy=1
    printf '#!/bin/sh\n%s\nexit 101\n' "$kMarker" >"$kPolicy"
    chmod 0755 "$kPolicy"
  elif [[ -x $kPolicy ]] && "$kPolicy" pgbouncer start >/dev/null 2>&1; then
    echo "bootstrap: $kPolicy exists and lets services start; it is left as it is" >&2
  fi
  for dir in /etc/postgresql-common "$kDropInDir"; do
    if [[ ! -d $dir ]]; then
      mkdir -m 0755 "$dir"
      # Deepest first, so that rmdir meets empty folders; one that a package now uses stays.
      placed_dirs=("$dir" "${placed_dirs[@]}")
    fi
  done
  placed_dropin=1
  printf '%s\ncreate_main_cluster = false\n' "$kMarker" >"$kDropIn"
}

apt() {
  apt-get -y -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Acquire::http::Timeout=60 \
    -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
    -o APT::Install-Recommends=false -o APT::Install-Suggests=false "$@" </dev/null >>"$log" 2>&1 9>&-
}

install_packages() {
  local attempt
  for ((attempt = 1; attempt <= kAttempts; ++attempt)); do
    # A source of somebody else's that is away must not stop us: only the install decides.
    apt update || echo "bootstrap: apt-get update reported an error (attempt $attempt)" >&2
    apt install --no-remove "$@" && return 0
    echo "bootstrap: attempt $attempt of $kAttempts failed: $(grep '^E: ' "$log" | tail -n 1)" >&2
    dpkg --configure -a </dev/null >>"$log" 2>&1 || true
    ((attempt == kAttempts)) || sleep $((attempt * 5))
  done
  return 1
}

# With a system manager a new package is also enabled for the next boot; ours are for tests only.
disable_new_services() {
  local name
  for name in "$@"; do
    if [[ $name == pgbouncer && -e /etc/init.d/pgbouncer ]]; then
      update-rc.d pgbouncer disable >>"$log" 2>&1 || true
    fi
  done
}

main() {
  local check='' sets=() argument missing=()
  for argument in "$@"; do
    case $argument in
      --check) check=1 ;;
      build | run | test | lint) sets+=("$argument") ;;
      *) usage ;;
    esac
  done
  ((${#sets[@]})) || sets=(build run test lint)

  if ! command -v dpkg-query >/dev/null; then
    echo "bootstrap: this is not a Debian system; install by hand what packages_of() in $kSelf lists" >&2
    exit 1
  fi
  mapfile -t missing < <(missing_packages "${sets[@]}")
  ((${#missing[@]})) || return 0
  if [[ -n $check ]]; then
    echo "bootstrap: missing: ${missing[*]}"
    exit 1
  fi
  # shellcheck source=/dev/null
  if ! (. /etc/os-release && [[ ${ID:-} == debian && ${VERSION_ID:-} == 12 ]]); then
    echo "bootstrap: written for Debian 12; the package names may differ here" >&2
  fi

  if ((EUID != 0)); then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
      exec sudo -n "$kSelf" "${sets[@]}"
    fi
    echo "bootstrap: missing: ${missing[*]}" >&2
    echo "bootstrap: neither root nor passwordless sudo; as root run:" >&2
    echo "$kSelf ${sets[*]}" >&2
    exit 1
  fi

  exec 9>"$kLock"
  if command -v flock >/dev/null; then
    flock -w 900 9 || { echo "bootstrap: another run holds $kLock" >&2; exit 1; }
  fi
  mapfile -t missing < <(missing_packages "${sets[@]}")
  ((${#missing[@]})) || return 0

  local before after started=$SECONDS
  echo "bootstrap: installing ${missing[*]}"
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'exit 129' HUP
  log=$(mktemp)
  before=$(clusters)
  place_guards
  install_packages "${missing[@]}"
  disable_new_services "${missing[@]}"
  after=$(clusters)
  if [[ $before != "$after" ]]; then
    echo "bootstrap: a PostgreSQL cluster appeared while packages were installed:" >&2
    comm -13 <(echo "$before") <(echo "$after") >&2
    exit 1
  fi
  mapfile -t missing < <(missing_packages "${sets[@]}")
  if ((${#missing[@]})); then
    echo "bootstrap: still missing: ${missing[*]}" >&2
    exit 1
  fi
  echo "bootstrap: done in $((SECONDS - started)) s"
}

main "$@"
