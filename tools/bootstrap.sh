#!/usr/bin/env bash
# bootstrap.sh VENV: sees to the system packages that the build needs, then makes the virtual environment VENV.
# As root the missing packages are installed; otherwise the one line to type is printed, and this stops.
set -euo pipefail
venv=$1

usable() {  # an interpreter that can make environments and compile extensions
  command -v "$1" >/dev/null && "$1" - 2>/dev/null <<'PY'
import ensurepip, os, sys, sysconfig, venv
assert (3, 11) <= sys.version_info < (3, 14)
assert os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h"))
PY
}

find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
    if usable "$candidate"; then command -v "$candidate"; return; fi
  done
  return 1
}

compiler_is_good() {  # g++ 12 is what is tested; anything with these C++20 headers will do
  printf '#include <span>\n#include <concepts>\n#include <bit>\nint main() {}\n' |
    "${CXX:-g++}" -std=c++20 -x c++ - -o /dev/null 2>/dev/null
}

missing=()
compiler_is_good || missing+=(g++)
find_python >/dev/null || missing+=(python3 python3-venv python3-dev)
command -v git >/dev/null || missing+=(git)
[ -e /etc/ssl/certs/ca-certificates.crt ] || [ ! -e /etc/debian_version ] || missing+=(ca-certificates)
echo '#include <doctest/doctest.h>' | "${CXX:-g++}" -E -x c++ - >/dev/null 2>&1 || missing+=(doctest-dev)

if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing system packages: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "${missing[@]}" </dev/null >/dev/null
  else
    echo "System packages are missing. Type this, then run make again:" >&2
    echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
fi

# Wanted, not needed: the program that draws pictures of graphs.
if ! command -v dot >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing graphviz"
  export DEBIAN_FRONTEND=noninteractive
  { [ ${#missing[@]} -gt 0 ] || apt-get update -qq; } 2>/dev/null &&
    apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends graphviz </dev/null >/dev/null 2>&1 ||
    echo "graphviz could not be installed; all but its pictures works without" >&2
fi

python=$(find_python) || { echo "No Python 3.11 to 3.13 with venv and headers was found; set PYTHON" >&2; exit 1; }
compiler_is_good || { echo "No C++20 compiler was found; set CXX (g++ 12 is what is tested)" >&2; exit 1; }
if ! [ -x "$venv/bin/pip" ] || ! "$venv/bin/python" -c pass 2>/dev/null; then
  echo "Making $venv with $("$python" --version)"
  rm -rf "$venv"
  "$python" -m venv "$venv"
fi
