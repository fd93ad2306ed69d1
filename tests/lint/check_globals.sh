#!/usr/bin/env bash
# No mutable globals: no object in .data, .bss, thread-local or common sections of the archives given.
# Constant tables of pointers (.data.rel.ro) are fine. Needs archives without LTO and without ASAN, or
# a linked program, whose C library brings a few of its own.
set -euo pipefail

if [ $# -eq 0 ]; then
    echo "usage: check_globals.sh ARCHIVE..." >&2
    exit 2
fi

# Allowed in debug builds only: what the checks of lock order and thread kind know of their thread.
debug_only='^(lock_order\.c\.o held|thread\.c\.o this_kind)$'
libc='^(completed\.[0-9]+|__dso_handle|__TMC_END__|(__)?data_start|__cpu_(model|features2)|_edata|_end|__bss_start'
libc+='|(stdin|stdout|stderr|environ|_*environ|optarg|optind|opterr|optopt)(@.*)?)$'

bad=0
for archive in "$@"; do
    found=$(objdump -t "$archive" | awk -v debug_only="$debug_only" -v libc="$libc" '
        / file format / { member = $1; sub(/:$/, "", member); next }
        # value, flags (7 columns), section, size, name; thread-local objects have no O flag
        {
            flags = substr($0, index($0, " ") + 1, 7)
            split(substr($0, index($0, " ") + 9), rest, /[ \t]+/)
            section = rest[1]; name = rest[3] == ".hidden" ? rest[4] : rest[3]
            mutable = section ~ /^\.(data|bss|tdata|tbss|ldata|lbss)/ && section !~ /^\.data\.rel\.ro/
            if (name ~ libc || (member " " name) ~ debug_only)
                next
            if ((mutable && flags !~ /[dfF]/) || section == "*COM*")
                printf "%s: %s is a mutable global (%s)\n", member, name, section
        }')
    if [ -n "$found" ]; then
        echo "$(basename "$archive"): $found"
        bad=1
    fi
done
[ $bad -eq 0 ] && echo "no mutable globals in $# archives"
exit $bad
