#!/usr/bin/env bash
# Fetch what llama_cpp.server needs beside llama-cpp-python, for `make bench-teacher`. Safe to run again.
#
# This project never starts that server, so its packages never enter .venv: they lie in a folder of their own under build/.
set -euo pipefail
cd "$(dirname "$0")/.."

VENV="${VENV:-.venv}"
TO="build/llama-server-packages"
WANTED="uvicorn fastapi sse-starlette starlette-context pydantic-settings"

if [ "$(cat "$TO/.installed" 2>/dev/null)" = "$WANTED" ]; then
    exit 0
fi
rm -rf "$TO"
IFS=' ' read -r -a wanted <<< "$WANTED"
"$VENV/bin/python" -m pip --disable-pip-version-check install -q --target "$TO" "${wanted[@]}"
printf '%s\n' "$WANTED" > "$TO/.installed"
