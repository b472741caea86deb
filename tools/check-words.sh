#!/usr/bin/env bash
# tools/check-words.sh [FILE...]: words and names that this code base does without, each with
# the reason. Default: all of src and apps. A line that must keep one says NOLINT(bartizan-words).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
status=0

folders=()
for folder in src apps; do [[ ! -d $folder ]] || folders+=("$folder"); done
if (($#)); then
  files=("$@")
else
  mapfile -t files < <(find "${folders[@]}" -name '*.[ch]pp' | sort)
fi
((${#files[@]})) || exit 0
# Tests, fuzz targets and benchmarks may have a generator with a fixed seed.
mapfile -t code < <(printf '%s\n' "${files[@]}" | grep -vE '/(test|fuzz|bench)/' || true)
mapfile -t headers < <(printf '%s\n' "${files[@]}" | grep '\.hpp$' || true)

# Prints the lines of stdin with the reason behind each; true when there was one.
blame() {
  local line any=1
  while IFS= read -r line; do
    echo "$line    <- $1"
    any=0
  done
  return $any
}

# ban "reason" "extended regular expression" file...
ban() {
  local reason=$1 pattern=$2
  shift 2
  (($#)) || return 0
  # Comments may name what the code may not do.
  if grep -HnE "$pattern" "$@" | grep -vE '^[^:]+:[0-9]+:\s*(//|\*)' | grep -v 'NOLINT(bartizan-words)' | blame "$reason"; then
    status=1
  fi
}

secret='(passw|secret|token|proof|_mac|signature|verifier|salted|stored_key|server_key)'
ban "randomness comes from bartizan::Random" '(^|[^_[:alnum:].>])(std::)?s?rand\(|random_device|drand48|random_shuffle' "${files[@]}"
ban "randomness comes from bartizan::Random" 'mt19937|minstd_rand|default_random_engine' "${code[@]}"
ban "secrets are compared by crypto::ct_equal" "(str|strn|mem|strcase|strncase|bc)cmp\(.*$secret" "${files[@]}"
ban "a header opens no namespace for its readers" '^\s*using namespace ' "${headers[@]}"
ban "a secret has no place in a log" 'BZ_LOG\(.*reveal' "${files[@]}"
ban "name what it does" '^\s*(class|struct) [A-Za-z]*(Manager|Helper|Util|Utils)\b' "${files[@]}"
ban "a case that can't run prints SKIPPED: name: reason" 'doctest::(skip|may_fail)' "${files[@]}"
ban "unbounded copies" '(^|[^_[:alnum:].>:])(strcpy|strcat|sprintf|gets|alloca)\(' "${files[@]}"

# Comments too: that is where they stand.
if grep -HnE '\b(TODO|FIXME)\b' "${files[@]}" | grep -vE 'TODO\(#[0-9]+\)' | grep -v 'NOLINT(bartizan-words)' |
  blame "what is still to do names its issue: TODO(#12)"; then
  status=1
fi

if printf '%s\n' "${files[@]}" | grep -E '(^|/)(utils?|common|misc|helpers?|manager)(/|\.[ch]pp$)|_(utils?|helpers?|manager)\.[ch]pp$' |
  blame 'say what it holds; "util" and "common" grow without end'; then
  status=1
fi
exit $status
