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

# A few hundred lines of a made-up shop's log, so that there is something to search.
sample_index=sample-logs
sample_lines() {
    local now level service path ms i
    local levels=(INFO INFO INFO INFO INFO DEBUG DEBUG WARN WARN ERROR)
    local services=(gateway checkout catalog payment)
    local paths=(/cart /login /search /orders /health)
    now=$(date +%s)
    for ((i = 0; i < 600; i++)); do
        level=${levels[i * 7 % 10]}
        service=${services[i * 5 % 4]}
        path=${paths[i * 3 % 5]}
        ms=$((i * 37 % 450 + 3))
        if [ "$level" = ERROR ]; then ms=$((ms + 5000)); fi
        printf '{"timestamp":%d,"level":"%s","service":"%s","message":"request to %s took %d ms","http":{"path":"%s","status":%d},"ms":%d}\n' \
            $((now - (600 - i) * 6)) "$level" "$service" "$path" "$ms" "$path" \
            $((${#level} == 5 && ms > 5000 ? 503 : 200)) "$ms"
    done
}

load_sample() {
    if curl -fsS --max-time 5 -o /dev/null "$url/api/v1/indexes/$sample_index" 2>/dev/null; then return; fi
    say "Loading 600 sample log lines into the index $sample_index"
    curl -fsS -o /dev/null -H 'Content-Type: application/yaml' --data-binary @- "$url/api/v1/indexes" <<YAML
version: 0.9
index_id: $sample_index
doc_mapping:
  timestamp_field: timestamp
  field_mappings:
    - {name: timestamp, type: datetime, input_formats: [unix_timestamp], output_format: unix_timestamp_secs, fast: true}
    - {name: level, type: text, tokenizer: raw, fast: true}
    - {name: service, type: text, tokenizer: raw, fast: true}
    - {name: message, type: text, record: position}
    - {name: ms, type: u64, fast: true}
search_settings:
  default_search_fields: [message]
YAML
    sample_lines | curl -fsS -o /dev/null --data-binary @- \
        "$url/api/v1/$sample_index/ingest?commit=wait_for"
}

try_these() {
    cat <<TEXT

  ${bold}The page: $url/ui/${plain}

  Try:
    curl '$url/api/v1/$sample_index/search?query=level:ERROR&max_hits=3'
    curl '$url/api/v1/$sample_index/search?query=service:checkout+AND+ms:%3E5000&max_hits=3'
    curl '$url/api/v1/indexes/$sample_index'

TEXT
}

install_packages "$root/server/packages.txt"
say "Building the release"
build_preset release quern

if is_ready; then
    say "A server runs at $url already"
    load_sample || say "The sample could not be loaded"
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
load_sample || say "The sample could not be loaded"
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
