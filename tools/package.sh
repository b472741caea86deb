#!/usr/bin/env bash
# tools/package.sh [--twice] [--out FOLDER]: a Debian package of this checkout, and its SBOM.
#   --twice   build in two folders and fail unless both packages are the same, byte for byte
# Needs what a build needs, and no network. The compiler cache is not asked: objects of other folders
# hold other paths. SOURCE_DATE_EPOCH (default: the last commit's time) is the
# time of every file in it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
unset CDPATH
export LC_ALL=C.UTF-8 TZ=UTC CCACHE_DISABLE=1
root=$PWD
out=build/package
twice=
while (($#)); do
  case $1 in
    --twice) twice=1 ;;
    --out)
      out=${2:?"--out names a folder"}
      shift
      ;;
    *)
      sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
      exit 2
      ;;
  esac
  shift
done

version=$(sed -n 's/^project(bartizan VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
[[ -n $version ]] || { echo "package: CMakeLists.txt tells no version" >&2; exit 1; }
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}
export SOURCE_DATE_EPOCH=$epoch
jobs=${BARTIZAN_JOBS:-$(nproc)}

# compile SOURCE TREE: the release program, without paths of this machine in it, stripped.
compile() {
  local source=$1 tree=$2
  local map="-ffile-prefix-map=$source=. -ffile-prefix-map=$tree=./build"
  cmake -S "$source" -B "$tree" -G Ninja --log-level=WARNING -DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19 \
    -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O2 $map" -DBARTIZAN_TESTS=OFF \
    -DCMAKE_SKIP_BUILD_RPATH=ON >&2
  ninja -C "$tree" "-j$jobs" bartizan >&2
  strip --strip-unneeded --remove-section=.comment -o "$tree/bartizan.stripped" "$tree/bin/bartizan"
  ninja -C "$tree" -t deps >"$tree/deps.txt" 2>/dev/null
}

pack() { # TREE OUT
  /usr/bin/python3 -E -s -B "$root/packaging/build_package.py" --program "$1/bartizan.stripped" --version "$version" \
    --epoch "$epoch" --dependencies "$1/deps.txt" --out "$2"
}

if [[ -z $twice ]]; then
  compile "$root" "$root/build/package-tree"
  pack build/package-tree "$out"
  exit
fi

folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
for name in first second-and-longer; do
  mkdir -p "$folder/$name"
  tar -C "$root" --exclude=./build --exclude=./.git -cf - . | tar -C "$folder/$name" -xf -
  compile "$folder/$name" "$folder/$name/build/package-tree"
  pack "$folder/$name/build/package-tree" "$folder/$name/out" >/dev/null
done
first=("$folder"/first/out/*.deb)
second=("$folder"/second-and-longer/out/*.deb)
if ! cmp "${first[0]}" "${second[0]}"; then
  echo "package: built twice, and not the same" >&2
  exit 1
fi
mkdir -p "$out"
cp "$folder"/first/out/* "$out/"
echo "$out/$(basename "${first[0]}"): built twice, the same both times: $(sha256sum <"${first[0]}" | cut -c1-64)"
