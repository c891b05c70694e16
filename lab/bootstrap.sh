#!/bin/sh
# Make the project's Python environment (.venv), and uv first where there is none. Does nothing,
# quickly, when the environment is that of the present uv.lock.
set -eu
cd "$(dirname "$0")/.."

UV_VERSION=0.13.8
stamp=.venv/pairwise.stamp
cache=${PAIRWISE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pairwise}
want=$(cat uv.lock pyproject.toml | sha256sum)

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ]; then
    exit 0
fi

if command -v uv >/dev/null 2>&1; then
    uv=uv
else
    uv=$cache/uv-$UV_VERSION/bin/uv
    if [ ! -x "$uv" ]; then
        echo "lab: installing uv $UV_VERSION" >&2
        if ! python3 -c 'import ensurepip' >/dev/null 2>&1; then
            apt-get update --quiet >/dev/null
            DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends \
                python3-venv >/dev/null
        fi
        rm -rf "$cache/uv-$UV_VERSION"
        mkdir -p "$cache"
        python3 -m venv "$cache/uv-$UV_VERSION"
        "$cache/uv-$UV_VERSION/bin/pip" install --quiet "uv==$UV_VERSION"
    fi
fi

echo "lab: making the Python environment" >&2
"$uv" sync --frozen --quiet --no-python-downloads
printf '%s\n' "$want" >"$stamp"
