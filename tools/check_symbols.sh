#!/usr/bin/env bash
# check_symbols.sh BUILD: every symbol that the kernel objects of an instruction-set level show to the linker must lie in
# that level's namespace. A weak symbol outside it, such as an inline function of the C++ library compiled with
# AVX-512, may be the copy that the linker keeps for everyone, and an older machine dies of it.
set -euo pipefail
build=$1
objects=0
bad=0
while IFS= read -r object; do
  objects=$((objects + 1))
  level=$(sed -E 's#.*/tensorgrad_kernels_([a-z0-9]+)\.dir/.*#\1#' <<<"$object")
  space="10tensorgrad3cpu${#level}${level}"
  # A DW.ref symbol is the compiler's own reference to the personality routine: data, the same at every level.
  escaped=$(nm --defined-only --extern-only "$object" | awk 'NF >= 3 {print $2, $3}' | grep -v -e "$space" -e ' DW\.ref\.' || true)
  if [ -n "$escaped" ]; then
    bad=1
    echo "$object: outside of tensorgrad::cpu::$level:"
    c++filt <<<"$escaped" | sed 's/^/  /'
  fi
done < <(find "$build" -path '*/tensorgrad_kernels_*.dir/*' -name '*.o' | sort)
if [ "$objects" = 0 ]; then
  echo "check_symbols.sh: no kernel objects below $build" >&2
  exit 1
fi
[ "$bad" = 0 ] && echo "symbols: $objects kernel objects, each within its level's namespace"
exit "$bad"
