#!/usr/bin/env bash
# Builds the server and runs it: installs what is missing, builds the release, starts on
# 127.0.0.1:7280 and prints where the page is and what to try. Ctrl-C stops it.
set -euo pipefail
# shellcheck source=server/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

usage() {
    cat <<'TEXT'
Usage: server/run.sh [--background] [--listen ADDRESS:PORT] [--data-dir DIR] [-- quern flags...]

  --background   leave the server running and return; the log goes to DATA_DIR.log
  --listen       where to listen [127.0.0.1:7280]
  --data-dir     where data is kept [build/data]
TEXT
}

listen=127.0.0.1:7280
data=$root/build/data
background=''
flags=()
while [ $# -gt 0 ]; do
    case $1 in
    --background) background=1 ;;
    --listen | --data-dir)
        if [ $# -lt 2 ]; then die "$1 needs a value"; fi
        if [ "$1" = --listen ]; then listen=$2; else data=$2; fi
        shift
        ;;
    --help | -h)
        usage
        exit 0
        ;;
    --)
        shift
        flags=("$@")
        break
        ;;
    *)
        usage >&2
        die "unknown argument $1"
        ;;
    esac
    shift
done

url=http://$listen
if [[ $listen == :* || $listen == 0.0.0.0:* ]]; then url=http://127.0.0.1:${listen##*:}; fi

is_ready() { [ "$(curl -fsS --max-time 2 "$url/health/readyz" 2>/dev/null)" = true ]; }

try_these() {
    cat <<TEXT

  ${bold}The page: $url/ui/${plain}

  Try:
    curl $url/
    curl $url/api/v1/version
    curl $url/metrics

TEXT
}

install_packages "$root/server/packages.txt"
say "Building the release"
build_preset release quern

if is_ready; then
    say "A server runs at $url already"
    try_these
    exit 0
fi

mkdir -p "$(dirname "$data")"
quern=("$root/build/release/quern" serve --quiet --data-dir "$data" --listen "$listen" "${flags[@]}")
say "Starting on $listen with the data of $data"
if [ -n "$background" ]; then
    setsid "${quern[@]}" </dev/null >>"$data.log" 2>&1 &
else
    "${quern[@]}" &
fi
pid=$!

# A signal to this script is meant for the server, which then drains; wait until it has.
trap 'kill -TERM "$pid" 2>/dev/null || true' INT TERM
deadline=$((SECONDS + 30))
until is_ready; do
    if ! kill -0 "$pid" 2>/dev/null; then
        if [ -n "$background" ]; then tail -n 5 "$data.log" >&2; fi
        die "the server did not start"
    fi
    if [ $SECONDS -ge $deadline ]; then die "the server is not ready after 30 seconds"; fi
    sleep 0.05
done
try_these
if [ -n "$background" ]; then
    echo "  It runs as process $pid; kill $pid stops it. Its log: $data.log"
    exit 0
fi
echo "  Ctrl-C stops it."
status=0
while kill -0 "$pid" 2>/dev/null; do
    wait "$pid" && status=0 || status=$?
done
exit "$status"
