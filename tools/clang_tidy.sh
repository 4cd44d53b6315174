#!/usr/bin/env bash
# clang_tidy.sh [FILE...]: clang-tidy on the named C++ sources, by default on those changed since BASE (default: the
# merge base with main, or the last commit when on main), against the compile commands of the wheel's build folder.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}
commands=${BUILD:-build-wheel}
if [ ! -e "$commands/compile_commands.json" ]; then
  echo "clang_tidy.sh: no $commands/compile_commands.json: run make wheel first" >&2
  exit 1
fi

changed() {
  local base=${BASE:-} head
  head=$(git rev-parse HEAD)
  if [ -z "$base" ]; then
    for ref in origin/main main; do
      base=$(git merge-base HEAD "$ref" 2>/dev/null) && [ "$base" != "$head" ] && break
      base=
    done
  fi
  # The first commit of a history, or of a shallow clone, has no parent to compare with.
  [ -n "$base" ] || base=$(git rev-parse -q --verify HEAD~1 || echo "$head")
  { git diff --name-only --diff-filter=d "$base"; git ls-files -o --exclude-standard; } | grep '\.cpp$' | sort -u || true
}

if [ $# -gt 0 ]; then files=("$@"); else mapfile -t files < <(changed); fi
# A file that the build does not know (a placeholder, another platform's) has no flags to be read with.
known=()
for file in "${files[@]}"; do
  grep -q "\"file\": \".*/$file\"" "$commands/compile_commands.json" && known+=("$file")
done
[ ${#known[@]} -gt 0 ] || { echo "clang-tidy: no changed C++ sources"; exit 0; }
echo "clang-tidy: ${#known[@]} files"
# GCC's own flags mean nothing to clang; its warnings about them are not about our code.
printf '%s\0' "${known[@]}" | xargs -0 -n 1 -P "$(nproc)" "$venv/bin/clang-tidy" -p "$commands" --quiet \
  --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-ignored-optimization-argument 2> >(grep -v -e 'warnings\? generated' -e 'Suppressed' -e 'Use -header-filter' >&2)
