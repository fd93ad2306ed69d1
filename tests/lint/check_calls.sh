#!/usr/bin/env bash
# The engine does not print, exit, read the environment or start programs: no such undefined symbol
# in the archives given (all layers of the engine but base and os). Needs archives without LTO.
set -euo pipefail

if [ $# -eq 0 ]; then
    echo "usage: check_calls.sh ARCHIVE..." >&2
    exit 2
fi

banned='printf|vprintf|fprintf|vfprintf|dprintf|puts|fputs|putchar|fputc|putc|perror|stdout|stderr'
banned+='|exit|_exit|_Exit|quick_exit|abort|atexit|__assert_fail|getenv|secure_getenv|setenv|putenv'
banned+='|environ|system|popen|fork|vfork|execv|execve|execvp|posix_spawn|signal|sigaction|setlocale'

bad=0
for archive in "$@"; do
    found=$(nm --undefined-only --print-file-name "$archive" |
        sed -nE "s/^.*:([^:]+\.o): +U (__)?($banned)(_chk)?(@.*)?\$/\1 calls \3/p" | sort -u)
    if [ -n "$found" ]; then
        echo "$(basename "$archive"): $found"
        bad=1
    fi
done
[ $bad -eq 0 ] && echo "no banned calls in $# archives"
exit $bad
