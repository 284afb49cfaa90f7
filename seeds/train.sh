#!/usr/bin/env bash
# Makes every weight anew, in an environment of its own. Called by `make train`; SHARED names the folder with the real news and name sets.
set -euo pipefail
cd "$(dirname "$0")/.."
shared=${SHARED:-../shared}
venv=.venv-train
[ -d "$shared/data/ner" ] || { echo "missing: $shared/data (real news and name sets); name its folder: make train SHARED=/path" >&2; exit 2; }

stamp="$venv/.set-up"
wanted=$(sha256sum < seeds/requirements-train.lock)
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ]; then
  echo "setting up $venv (once)"
  "${PYTHON:-python3}" -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --requirement seeds/requirements-train.lock
  printf '%s' "$wanted" > "$stamp"
fi
"$venv/bin/python" seeds/train.py --shared "$shared"
"$venv/bin/python" seeds/training/entities.py --shared "$shared"
