#!/usr/bin/env bash
# tools/lint.sh            everything: format, words, lengths, shell, coroutines, clang-tidy on what changed
# tools/lint.sh --quick    without a compiler: format, markers, words, lengths, shell
# tools/lint.sh --all      clang-tidy on all files instead of the changed ones
# tools/lint.sh --fix-format    let clang-format rewrite our sources, and nothing else
#
# "Changed" is against the merge base with LINT_BASE (default origin/main, else the last commit).
# The edges between modules are checked by configuring: cmake/modules.cmake.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
readonly kLongFile=400

folders=()
for folder in src apps; do [[ ! -d $folder ]] || folders+=("$folder"); done
mapfile -t sources < <(find "${folders[@]}" cmake -name '*.[ch]pp' | sort)
failed=()

# check NAME command...: shows the output only when the command fails.
check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then
    echo "lint: $name ok"
  else
    printf '%s\n' "$output"
    echo "lint: $name FAILED"
    failed+=("$name")
  fi
}

check_format() {
  local output
  output=$(printf '%s\0' "${sources[@]}" | xargs -0 -n 64 clang-format-19 --dry-run -Werror 2>&1) && return 0
  # One line a file: what is wrong is what `make format` would do.
  sed -nE 's/^((src|apps|cmake)\/[^:]+):([0-9]+):[0-9]+: .*/\1 \3/p' <<<"$output" | awk '{n[$1]++; if (!($1 in first)) first[$1] = $2}
    END {for (f in n) printf "%s:%d: %d place(s) differ from .clang-format (make format)\n", f, first[f], n[f]}' | sort
  return 1
}

# A merge that was committed before it was resolved.
check_markers() { ! git grep -nE '^(<{7}|>{7}) ' -- ':!tests/corpus'; }

report_lengths() {
  local long
  long=$(wc -l "${sources[@]}" | awk -v limit=$kLongFile '$2 != "total" && $1 > limit {printf "  %5d %s\n", $1, $2}' | sort -rn)
  [[ -z $long ]] || printf 'files over %d lines (a reason to split, not a failure):\n%s\n' "$kLongFile" "$long"
}

check_shell() {
  local script status=0
  while read -r script; do
    bash -n "$script" || status=1
  done < <(find tools -name '*.sh'; ls .ci/run .githooks/* 2>/dev/null)
  if command -v shellcheck >/dev/null; then
    # shellcheck disable=SC2046
    shellcheck -x -S warning $(find tools -name '*.sh') .ci/run .githooks/* || status=1
  fi
  return $status
}

changed_sources() {
  local base
  base=$(git merge-base HEAD "${LINT_BASE:-origin/main}" 2>/dev/null) || base=$(git rev-parse -q --verify HEAD~1) || base=HEAD
  [[ $base != "$(git rev-parse HEAD)" ]] || base=$(git rev-parse -q --verify HEAD~1 || echo HEAD)
  { git diff --name-only --diff-filter=d "$base"; git ls-files --others --exclude-standard; } | grep -E '^(src|apps)/.*\.cpp$' | sort -u
}

check_tidy() {
  local file files=() output
  while read -r file; do
    if grep -qF "$PWD/$file\"" build/dev/compile_commands.json; then files+=("$file"); fi
  done < <(if [[ $1 == all ]]; then find "${folders[@]}" -name '*.cpp' | sort; else changed_sources; fi)
  ((${#files[@]})) || { echo "no changed file"; return 0; }
  output=$(printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -n 1 clang-tidy-19 -p build/dev --quiet 2>/dev/null)
  # Advice is shown with the errors; only errors fail.
  # The analyzer also finds paths that end in others' headers; those are not ours to mend.
  output=$(grep -E '(warning|error): ' <<<"$output" | grep -E "^$PWD/(src|apps)/" | sed "s|^$PWD/||" | sort -u)
  [[ -z $output ]] || head -n 100 <<<"$output"
  ! grep -qE ': error: ' <<<"$output"
}

# Always, since a new module's file list is what this run must know; a second or two.
configure_dev() { cmake --preset dev >/dev/null; }

mode=${1:-}
case $mode in
  '' | --quick | --all) ;;
  --fix-format)
    printf '%s\0' "${sources[@]}" | xargs -0 -n 16 clang-format-19 -i
    exit
    ;;
  *)
    sed -n '2,9s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac

check format check_format
check markers check_markers
check words tools/check-words.sh
check shell check_shell
report_lengths
if [[ $mode != --quick ]]; then
  check configure configure_dev
  check coroutines tools/check-coroutines.sh
  tidy=$(check_tidy "${mode:+all}") && tidy_ok=1 || tidy_ok=
  [[ -z $tidy ]] || printf '%s\n' "$tidy"
  if [[ -n $tidy_ok ]]; then echo "lint: tidy ok"; else echo "lint: tidy FAILED"; failed+=(tidy); fi
fi
((${#failed[@]} == 0)) || { echo "lint: failed: ${failed[*]}" >&2; exit 1; }
