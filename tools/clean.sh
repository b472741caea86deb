#!/usr/bin/env bash
# Removes the build trees that the presets and the test runner make. Data folders stay.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
for tree in dev release asan tsan fuzz gcc test-logs; do
  [[ ! -d build/$tree ]] || { echo "removing build/$tree"; rm -rf -- "build/$tree"; }
done
