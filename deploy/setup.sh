#!/bin/sh
# Makes .venv from the hashed lock and installs the project into it; a second run with nothing new is instant.
#
#   sh deploy/setup.sh run   what the platform needs
#   sh deploy/setup.sh dev   the same and the tools of tests and checks
#
# Needs no root and writes nothing outside the checkout.
set -eu
umask 022
cd "$(dirname "$0")/.."

kind=${1:-run}
venv=.venv
stamp=$venv/.installed-$kind
compiled=$venv/.compiled
case $kind in
    run) lock=requirements.lock ;;
    dev) lock=requirements-dev.lock ;;
    *) echo "usage: sh deploy/setup.sh run|dev" >&2; exit 2 ;;
esac

say() { printf '%s\n' "$*"; }

stop() { printf '%s\n' "$*" >&2; exit 2; }

# Prints the first usable interpreter. Sets nothing: it runs in a subshell, so the reasons go to a file.
find_python() {
    no_venv=''
    for name in ${SECOPS_PYTHON:-python3.13 python3.12 python3.11 python3}; do
        path=$(command -v "$name" 2>/dev/null) || continue
        "$path" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        if "$path" -c 'import ensurepip, venv' 2>/dev/null; then
            say "$path"
            return 0
        fi
        version=$("$path" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        no_venv="${no_venv:-$version}"
    done
    if [ -n "$no_venv" ]; then
        stop "Python $no_venv is here, but its venv module is not. Install it: sudo apt-get install python$no_venv-venv"
    fi
    if [ -n "${SECOPS_PYTHON:-}" ]; then
        stop "SECOPS_PYTHON=$SECOPS_PYTHON is no Python 3.11 or newer. Name another one, or unset it."
    fi
    stop "No Python 3.11 or newer was found. Install it: sudo apt-get install python3.11 python3.11-venv" \
        "(or name one: SECOPS_PYTHON=/path/to/python3 make setup)"
}

# What the installed state depends on: the lock, the project's metadata, and where the checkout lies.
wanted() { { cat "$lock" pyproject.toml deploy/setup.sh; pwd; } | cksum; }

pip_install() { "$venv/bin/python" -m pip --disable-pip-version-check install -qq "$@"; }

# The build tools first, from the lock: the project itself and the packages that come as source are then built
# with exactly these, instead of with whatever the index holds today.
build_tools() {
    tools=$venv/build-tools.txt
    awk '/^[^ ]/ { keep = /^(setuptools|wheel|packaging)==/ } keep' "$lock" >"$tools"
    pip_install --require-hashes --no-deps -r "$tools"
}

if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -c '' 2>/dev/null; then
    python=$(find_python)
    say "Making $venv with $("$python" --version)"
    "$python" -m venv --clear "$venv"
fi

if [ "$(cat "$stamp" 2>/dev/null || true)" != "$(wanted)" ]; then
    rm -f "$stamp"
    say "Installing $(grep -c '^[^ #]' "$lock") locked packages ($lock); about half a minute"
    build_tools
    pip_install --require-hashes --no-build-isolation -r "$lock"
    pip_install --no-deps --no-build-isolation -e .
    wanted >"$stamp"
fi

# The compiled catalogue starts the commands fast; it is made again when a source is newer.
if [ ! -e "$compiled" ] || [ -n "$(find controls policies -type f -newer "$compiled" \
    -not -path '*/_compiled/*' -not -path '*/__pycache__/*' -print -quit)" ]; then
    touch "$compiled.new"
    "$venv/bin/python" -m controls.compile
    mv "$compiled.new" "$compiled"
fi
