#!/usr/bin/env bash
# The checks find what they look for: an archive with one of each must be refused by name.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/bad.c" <<'C'
#include <stdio.h>
#include <stdlib.h>
int initialised = 1;
static int zeroed;
static _Thread_local int per_thread;
const int constant = 3;
const char *const names[] = {"a", "b"};
int use(void) { printf("%d", zeroed++ + per_thread++); return getenv("X") ? constant : names[0][0]; }
C
"${1:-cc}" -O1 -fno-lto -c "$work/bad.c" -o "$work/bad.o"
ar rc "$work/libbad.a" "$work/bad.o"

expect() { # <command> <words that must be in its output...>
    local out check=$1 word
    shift
    if out=$("$here/$check" "$work/libbad.a"); then
        echo "FAIL: $check accepts an archive that breaks its rule"
        exit 1
    fi
    for word in "$@"; do
        grep -q "$word" <<<"$out" || { echo "FAIL: $check does not name $word: $out"; exit 1; }
    done
    if grep -qE 'constant|names' <<<"$out"; then
        echo "FAIL: $check names what is fine: $out"
        exit 1
    fi
}
expect check_globals.sh initialised zeroed per_thread
expect check_calls.sh printf getenv

mkdir -p "$work/tree/engine" "$work/tree/server" "$work/tree/tests"
{
    printf 'int f(void)\n{\n'
    for _ in $(seq 130); do echo '    f();'; done
    printf '    return 0;\n}\n'
    for _ in $(seq 700); do echo; done
} >"$work/tree/engine/long.c"
if out=$("$here/check_size.py" "$work/tree"); then
    echo "FAIL: check_size.py accepts a long file with a long function"
    exit 1
fi
for word in 'f has 133 lines' 'engine/long.c: 834 lines'; do
    grep -q "$word" <<<"$out" || { echo "FAIL: check_size.py does not say \"$word\": $out"; exit 1; }
done
echo "the checks find what they look for"
