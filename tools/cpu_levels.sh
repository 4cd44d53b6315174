#!/usr/bin/env bash
# Prints the instruction-set levels, as TENSORGRAD_CPU takes them, that this machine can run.
set -euo pipefail
if [ "$(uname -m)" != x86_64 ]; then
  echo generic
  exit
fi
flags=" $(grep -m1 '^flags' /proc/cpuinfo | cut -d: -f2) "
has() { for flag in "$@"; do [[ $flags == *" $flag "* ]] || return 1; done; }
levels=()
has cx16 popcnt sse4_1 sse4_2 ssse3 && levels+=(v2)
has avx2 bmi1 bmi2 f16c fma abm movbe && levels+=(v3)
has avx512f avx512bw avx512cd avx512dq avx512vl && levels+=(v4)
echo "${levels[@]}"
