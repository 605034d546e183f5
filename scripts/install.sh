#!/usr/bin/env bash
# Make the virtual environment with everything in it: `make install` calls this. Safe to run again.
#
#   PYTHON=python3.12     the Python to start from
#   PADA_CUDA=1           build llama.cpp for CUDA even though no working driver is seen here
#   PADA_TORCH_INDEX=URL  where PyTorch's CPU wheels are, when pip's own configuration does not know
#   EXTRAS=dev,gpu        which optional dependencies
#
# `scripts/install.sh --wheel-folder` prints where the built llama-cpp-python is kept.
set -euo pipefail
cd "$(dirname "$0")/.."

PYTHON="${PYTHON:-python3}"
VENV="${VENV:-.venv}"
EXTRAS="${EXTRAS:-dev}"
TORCH=2.13.0
LLAMA=0.3.36

say() { printf '%s\n' "install: $*" >&2; }
missing() { say "$*"; exit 3; }

"$PYTHON" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
    || missing "needs Python 3.11, 3.12 or 3.13; name one with PYTHON=python3.12 make install"

driver_works() { command -v nvidia-smi >/dev/null && nvidia-smi -L >/dev/null 2>&1; }

# --- how llama.cpp is built --------------------------------------------------------------------------------------------

# The native server comes with the Python package. The multimodal tools are off: with them on, configuring fails.
# The server's web page is off: it would be downloaded at build time.
origin='$ORIGIN'
[ "$(uname -s)" = Darwin ] && origin='@loader_path'
cmake_args="-DLLAVA_BUILD=OFF -DLLAMA_BUILD_TOOLS=ON -DLLAMA_BUILD_SERVER=ON -DLLAMA_TOOLS_INSTALL=ON"
cmake_args="$cmake_args -DLLAMA_USE_PREBUILT_UI=OFF -DCMAKE_INSTALL_RPATH=$origin/../lib"
compiler_flags=""
case "$(uname -s)-$(uname -m)" in
    # Some virtual machines offer AMX and lose its registers at a task switch: a Q8_0 model then dies with SIGILL.
    Linux-x86_64) compiler_flags="-mno-amx-tile -mno-amx-int8 -mno-amx-bf16" ;;
esac
# nvcc alone is not enough: a CUDA build needs the driver's own library and cannot even start without it.
cuda=no
if [ "${PADA_CUDA:-}" = 1 ] || { [ "${PADA_CUDA:-}" != 0 ] && command -v nvcc >/dev/null && driver_works; }; then
    cuda="$(nvcc --version 2>/dev/null | tail -n 1 || echo unknown)"
    cmake_args="$cmake_args -DGGML_CUDA=on"
fi

# The build uses all that this processor can do, so its abilities are part of the key.
processor() { grep -m 1 -E '^(flags|Features)' /proc/cpuinfo 2>/dev/null || uname -mp; }
digest() { "$PYTHON" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest()[:12])'; }
tag="$("$PYTHON" -c 'import sys; print(f"cp{sys.version_info[0]}{sys.version_info[1]}")')"
key="$(printf '%s\n' "$cmake_args" "$compiler_flags" "$cuda" "$(processor)" | digest)"
wheels="${XDG_CACHE_HOME:-$HOME/.cache}/pada-local/wheels/llama-cpp-python-$LLAMA-$tag-$key"
if [ "${1:-}" = --wheel-folder ]; then
    printf '%s\n' "$wheels"
    exit 0
fi

# --- environment and PyTorch -------------------------------------------------------------------------------------------

[ -x "$VENV/bin/python" ] || "$PYTHON" -m venv "$VENV" \
    || missing "could not make $VENV; on Debian and Ubuntu the package python3-venv is needed"
pip() { "$VENV/bin/python" -m pip --disable-pip-version-check "$@"; }

if driver_works || [ "$(uname -s)" != Linux ]; then
    pip install -q "torch==$TORCH"
else
    # Without a card the ordinary build would bring gigabytes of CUDA libraries that nothing can use.
    pip install -q "torch==$TORCH+cpu" ${PADA_TORCH_INDEX:+--extra-index-url "$PADA_TORCH_INDEX"} 2>/dev/null || {
        say "no CPU build of PyTorch where pip looks (set PADA_TORCH_INDEX to save gigabytes); taking the ordinary one"
        pip install -q "torch==$TORCH"
    }
fi

# --- llama-cpp-python, built once and kept -----------------------------------------------------------------------------

wheel="$(ls "$wheels"/*.whl 2>/dev/null | head -n 1 || true)"
if [ -z "$wheel" ]; then
    command -v "${CXX:-c++}" >/dev/null || command -v g++ >/dev/null || command -v clang++ >/dev/null \
        || missing "llama.cpp has to be built and no C++ compiler is here; install g++ or clang"
    say "building llama-cpp-python $LLAMA once; this takes 5 to 15 minutes on two cores"
    mkdir -p "$(dirname "$wheels")"
    building="$(mktemp -d "$(dirname "$wheels")/building-XXXXXX")"
    trap 'rm -rf "$building"' EXIT
    # pip's cache does not know the CMake options and could hand back a build with others.
    CMAKE_ARGS="$cmake_args" CFLAGS="${CFLAGS:-} $compiler_flags" CXXFLAGS="${CXXFLAGS:-} $compiler_flags" \
        CMAKE_BUILD_PARALLEL_LEVEL="${CMAKE_BUILD_PARALLEL_LEVEL:-$(getconf _NPROCESSORS_ONLN)}" \
        pip wheel -q --no-deps --no-cache-dir --no-binary llama-cpp-python -w "$building" "llama-cpp-python==$LLAMA"
    # Whoever finishes second finds the folder there and leaves it; half a build is never seen under the final name.
    mv -T "$building" "$wheels" 2>/dev/null || mv -n "$building" "$wheels" || true
    wheel="$(ls "$wheels"/*.whl | head -n 1)"
else
    say "using the llama-cpp-python that was built before: $wheels"
fi

# An earlier build with other options has the same version number: pip would keep it.
installed="$VENV/.llama-build"
if [ "$(cat "$installed" 2>/dev/null)" != "$key" ]; then
    pip install -q --force-reinstall --no-deps "$wheel"
    printf '%s\n' "$key" > "$installed"
fi
pip install -q -e ".[$EXTRAS]"

# --- llama.cpp's converters, for `pada export --kind gguf` ----------------------------------------------------------------

# They lie in the source archive of the same package and not in its wheel; they are kept beside the built wheel.
converters="${XDG_CACHE_HOME:-$HOME/.cache}/pada-local/converters-$LLAMA"
if [ ! -f "$converters/convert_hf_to_gguf.py" ]; then
    say "taking llama.cpp's converters out of the source archive of llama-cpp-python $LLAMA"
    mkdir -p "$(dirname "$converters")"
    taking="$(mktemp -d "$(dirname "$converters")/taking-XXXXXX")"
    trap 'rm -rf "${building:-}" "$taking"' EXIT
    CMAKE_ARGS="$cmake_args" pip download -q --no-deps --no-binary llama-cpp-python -d "$taking" "llama-cpp-python==$LLAMA"
    mkdir "$taking/out"
    tar -xzf "$taking"/llama_cpp_python-*.tar.gz -C "$taking/out" --strip-components=3 --wildcards \
        '*/vendor/llama.cpp/convert_hf_to_gguf.py' '*/vendor/llama.cpp/convert_lora_to_gguf.py' \
        '*/vendor/llama.cpp/conversion' '*/vendor/llama.cpp/gguf-py/gguf' '*/vendor/llama.cpp/LICENSE'
    mv -T "$taking/out" "$converters" 2>/dev/null || mv -n "$taking/out" "$converters" || true
fi

server="$("$VENV/bin/python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')/bin/llama-server"
if ! said="$("$server" --version 2>&1)"; then
    printf '%s\n' "$said" >&2
    if [ "${PADA_CUDA:-}" = 1 ] && ! driver_works; then
        say "built for CUDA; the server starts where a driver is"
        exit 0
    fi
    rm -f "$installed"
    missing "llama-server was installed and does not start; remove $wheels and run make install again"
fi
say "done: $(printf '%s\n' "$said" | grep -m 1 -i version || echo llama-server starts)"
