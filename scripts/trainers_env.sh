#!/usr/bin/env bash
# Make an environment with other people's trainers beside .venv: `make test-trainers` calls this. Safe to run again.
#
# Only their readers of data sets are tried, so of the many packages they ask for come only those that their readers import.
# The rest is lent: a .pth file makes the packages of .venv and this checkout importable.
set -euo pipefail
cd "$(dirname "$0")/.."

VENV="${VENV:-.venv}"
TO="${TRAINERS_ENV:-build/trainers-env}"
WANTED="axolotl==0.19.0 llamafactory==0.9.5 trl==1.15.0 colorama addict posthog distro pillow numba==0.68.1 llvmlite==0.50.0 omegaconf"

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
