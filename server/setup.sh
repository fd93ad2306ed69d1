# shellcheck shell=bash
# Shared by server/run.sh and tests/run.sh: what is missing is installed, presets are built.
# Source it after `set -euo pipefail`; it sets $root, the top of the tree.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\e[1m' plain=$'\e[0m'
else
    bold='' plain=''
fi

say() { printf '%s==>%s %s\n' "$bold" "$plain" "$*"; }
die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "this needs root and there is no sudo: run as root once: $*"
    fi
}

is_installed() { # <package>
    [ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$1" 2>/dev/null | tr -d ' ')" = ii ]
}

is_known() { # <package>: apt can install it
    local policy # whole: a reader that stops early would fail the pipe
    policy=$(apt-cache policy "$1" 2>/dev/null)
    grep -q 'Candidate: [^(]' <<<"$policy"
}

# Packages of the lists given that are not installed; of a|b neither is.
missing_packages() { # <file>...
    local line name found
    while read -r line; do
        found=''
        for name in ${line//|/ }; do
            if is_installed "$name"; then found=1; fi
        done
        if [ -z "$found" ]; then printf '%s\n' "$line"; fi
    done < <(sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$@")
}

install_packages() { # <file>...
    local line name chosen missing wanted=()
    command -v apt-get >/dev/null ||
        die "this is made for Debian and Ubuntu; elsewhere install the equivalents of: $*"
    missing=$(missing_packages "$@")
    if [ -z "$missing" ]; then return; fi
    say "Refreshing the package lists"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o=Acquire::Retries=3 update ||
        say "apt-get update failed in part; going on with the lists there are"
    for line in $missing; do
        chosen=''
        for name in ${line//|/ }; do
            if [ -z "$chosen" ] && is_known "$name"; then chosen=$name; fi
        done
        if [ -z "$chosen" ]; then die "this release has no package $line"; fi
        wanted+=("$chosen")
    done
    say "Installing ${wanted[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o=Acquire::Retries=3 \
        -o=Dpkg::Use-Pty=0 install --no-install-recommends "${wanted[@]}"
}

# Output of a long step: as it comes on a terminal, only after a failure otherwise.
quietly() { # <command>...
    local log status=0
    if [ -t 1 ]; then
        "$@"
        return
    fi
    log=$(mktemp)
    "$@" >"$log" 2>&1 || status=$?
    if [ "$status" -ne 0 ]; then tail -n 60 "$log"; fi
    rm -f "$log"
    return "$status"
}

configure_preset() { # <preset>
    quietly cmake --preset "$1" -S "$root" -B "$root/build/$1"
}

build_preset() { # <preset> [target...]
    local preset=$1
    shift
    (cd "$root" && configure_preset "$preset") || return 1
    if [ $# -eq 0 ]; then set -- all; fi
    quietly cmake --build "$root/build/$preset" --target "$@"
}
