#!/usr/bin/env bash
# tools/check-coroutines.sh [-p BUILD_DIR] [FILE.cpp...]      default: build/dev, all of src and apps
#
# A co_await may stand only as `auto x = co_await f(args);`, `co_await f(args);` or
# `co_return co_await f(args);`, with no braces, no capturing lambda and no ?: in the statement:
# g++ 12 miscompiles the other shapes into double frees (docs/adr/0002). Four matchers over the
# syntax tree find them, in the .cpp files that contain co_await and in our headers that those
# include. A hit that is known to be harmless says `NOLINT(bartizan-coroutine)` and why.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=build/dev
if [[ ${1:-} == -p ]]; then
  build=$2
  shift 2
fi
[[ -e $build/compile_commands.json ]] || { echo "$build/compile_commands.json is missing: cmake --preset dev" >&2; exit 2; }

readonly kIn='isExpansionInFileMatching("/(src|apps)/")'
queries=(
  -c 'set output diag' -c 'set bind-root true'
  -c "match coawaitExpr($kIn, hasDescendant(lambdaExpr(hasAnyCapture(lambdaCapture()))))"
  -c "match coawaitExpr($kIn, hasDescendant(initListExpr()))"
  -c "match initListExpr($kIn, hasDescendant(coawaitExpr()))"
  -c "match conditionalOperator($kIn, hasDescendant(coawaitExpr()))"
)

folders=()
for folder in src apps; do [[ ! -d $folder ]] || folders+=("$folder"); done
if (($#)); then
  candidates=("$@")
else
  mapfile -t candidates < <(find "${folders[@]}" -name '*.cpp' | sort)
fi
((${#candidates[@]})) || exit 0
# Only what the build knows and what awaits something, itself or through a header of ours.
files=()
while read -r file; do
  if grep -qF "$(realpath "$file")\"" "$build/compile_commands.json"; then
    files+=("$file")
  else
    echo "$file awaits, but $build does not build it: not checked"
  fi
done < <(grep -lw co_await "${candidates[@]}" || true)
((${#files[@]})) || { echo "no file that awaits"; exit 0; }

out=$(mktemp -d)
trap 'rm -rf -- "$out"' EXIT
export build out
# shellcheck disable=SC2317  # xargs calls it
check_one() {
  local name
  name=$(tr / _ <<<"$1")
  clang-query-19 -p "$build" "${@:2}" "$1" >"$out/$name.out" 2>"$out/$name.err" || echo "clang-query ended with $?" >>"$out/$name.err"
}
export -f check_one
printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -I{} bash -c 'check_one "$@"' _ {} "${queries[@]}"

status=0
# A file that does not parse would match nothing, which is not the same as being clean.
if grep -hE ' error: |ended with|Error (while|parsing)' "$out"/*.err "$out"/*.out | sort -u | head -n 20 | grep .; then
  echo "clang-query could not read everything" >&2
  status=1
fi
while IFS=: read -r file line _; do
  sed -n "${line}p" "$file" | grep -q 'NOLINT(bartizan-coroutine)' && continue
  echo "${file#"$PWD"/}:$line: co_await in an expression that is not allowed: $(sed -n "${line}{s/^ *//;p}" "$file")"
  status=1
done < <(grep -hE 'note: "root" binds here' "$out"/*.out | cut -d: -f1-2 | sort -u)
((status)) || echo "${#files[@]} files that await, none in a forbidden shape"
exit $status
