#!/bin/sh
# Print a Python that can run the product: one that starts, is 3.11 to 3.13, and makes environments.
# A name on PATH is not enough: a version manager's placeholders are there too, and only fail.
# usage: find-python.sh [VERSION]      e.g. find-python.sh 3.13
set -u

usable() {
    "$1" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
        >/dev/null 2>&1
}

for version in ${1:-3.11 3.12 3.13}; do
    for candidate in "python$version" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$version"*/bin/python; do
        if usable "$candidate"; then
            echo "$candidate"
            exit 0
        fi
    done
done
if [ $# -eq 0 ] && usable python3; then
    echo python3
    exit 0
fi
echo "No usable Python ${1:-3.11, 3.12 or 3.13} here (with venv; on Debian: apt-get install python3-venv)." >&2
exit 1
