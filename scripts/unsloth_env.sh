#!/usr/bin/env bash
# Make an environment for Unsloth beside .venv: `make test-unsloth` calls this. Safe to run again.
#
# Unsloth patches Transformers when it is imported and wants versions of its own, so it never enters the ordinary environment.
# Everything else is lent: a .pth file makes the packages of .venv and this checkout importable.
set -euo pipefail
cd "$(dirname "$0")/.."

VENV="${VENV:-.venv}"
TO="${UNSLOTH_ENV:-build/unsloth-env}"
WANTED="unsloth==2026.10.9 unsloth_zoo==2026.10.9 trl<=1.15.0 bitsandbytes>=0.50,<0.51"

if [ "$(cat "$TO/.installed" 2>/dev/null)" = "$WANTED" ]; then
    exit 0
fi
rm -rf "$TO"
"$VENV/bin/python" -m venv --without-pip "$TO"
site="$("$TO/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
{ "$VENV/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'; pwd; } > "$site/lent.pth"
IFS=' ' read -r -a wanted <<< "$WANTED"
"$VENV/bin/python" -m pip --disable-pip-version-check --python "$TO/bin/python" install -q --no-deps "${wanted[@]}"
printf '%s\n' "$WANTED" > "$TO/.installed"
