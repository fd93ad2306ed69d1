#!/usr/bin/env bash
# Runs every test: installs what is missing, builds, tests, and ends with one line
# "N passed, N failed, N skipped". Exit status 0 when nothing failed.
set -euo pipefail
# shellcheck source=server/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/../server/setup.sh"

usage() {
    cat <<'TEXT'
Usage: tests/run.sh [--quick | --long] [--only LABEL] [--no-install]

  --quick        the debug build alone: unit, fuzzreg, lint and http
  --long         also every fuzzer for 60 seconds
  --only LABEL   one of unit, fuzzreg, lint, tsan, http, fuzz
  --no-install   do not look for missing packages
TEXT
}

mode=usual
only=''
install=1
while [ $# -gt 0 ]; do
    case $1 in
    --quick) mode=quick ;;
    --long) mode=long ;;
    --no-install) install='' ;;
    --only)
        if [ $# -lt 2 ]; then die "--only needs a label"; fi
        only=$2
        shift
        ;;
    --help | -h)
        usage
        exit 0
        ;;
    *)
        usage >&2
        die "unknown argument $1"
        ;;
    esac
    shift
done
case $only in
'' | unit | fuzzreg | lint | tsan | http | fuzz) ;;
*) die "--only: $only is not one of unit, fuzzreg, lint, tsan, http, fuzz" ;;
esac

cd "$root"
results=$root/build/results
rm -rf "$results"
mkdir -p "$results"

# Layers that have threads of their own, or state that threads share.
threaded='base|os|storage|docs|journal|metastore|obs|http|ingest|jobs|main'

wants() { # <label>
    if [ -n "$only" ]; then
        [ "$only" = "$1" ]
    elif [ "$mode" = quick ]; then
        [ "$1" != tsan ] && [ "$1" != fuzz ]
    else
        [ "$1" != fuzz ] || [ "$mode" = long ]
    fi
}

# A step that is no test of its own counts as a failed one when it fails.
failed_step() { # <name>
    say "FAILED: $1"
    printf '<testsuite><testcase name="%s"><failure/></testcase></testsuite>\n' "$1" \
        >"$results/step-$(tr -c 'a-z0-9\n' - <<<"$1").xml"
}

# Builds are made when the first test needs them.
built=' '
build() { # <preset>; of the release only the product is tested
    local targets=(all)
    if [ "$1" = release ]; then targets=(quern); fi
    if [[ $built == *" $1 "* ]]; then return 0; fi
    if [[ $built == *" $1-failed "* ]]; then return 1; fi
    say "Building $1"
    if build_preset "$1" "${targets[@]}"; then
        built+="$1 "
    else
        built+="$1-failed "
        failed_step "build $1"
        return 1
    fi
}

ctests() { # <preset> <name> <ctest arguments...>
    local preset=$1 name=$2 junit
    shift 2
    build "$preset" || return 0
    say "Testing: $name ($preset)"
    junit=$results/$name-$preset.xml
    ctest --test-dir "build/$preset" -j2 --output-on-failure --test-output-size-passed 200000 \
        --output-junit "$junit" "$@" || echo "some failed"
    if ! grep -q '<testcase' "$junit" 2>/dev/null; then
        failed_step "$name-$preset has no tests"
    fi
}

http_tests() { # <preset>
    build "$1" || return 0
    say "Testing: http ($1)"
    QUERN="$root/build/$1/quern" QUERN_BUILD=$1 PYTHONDONTWRITEBYTECODE=1 \
        ASAN_OPTIONS=handle_segv=2:detect_leaks=1 TSAN_OPTIONS=halt_on_error=1 \
        python3 -m pytest -q -p no:cacheprovider --junitxml="$results/http-$1.xml" tests/http ||
        echo "some failed"
}

fuzz_all() {
    local target name
    build fuzz || return 0
    for target in build/fuzz/tests/fuzz_*; do
        [ -x "$target" ] || continue
        name=$(basename "$target")
        say "Fuzzing: $name for 60 seconds"
        mkdir -p "build/fuzz-corpus/$name"
        if ! quietly "$target" -max_total_time=60 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
            -artifact_prefix="build/fuzz-corpus/$name-" "build/fuzz-corpus/$name" \
            "tests/fuzz/corpus/${name#fuzz_}"; then
            failed_step "$name"
        else
            printf '<testsuite><testcase name="%s"/></testsuite>\n' "$name" >"$results/$name.xml"
        fi
    done
}

if [ -n "$install" ]; then
    lists=(server/packages.txt tests/packages.txt)
    if wants fuzz; then lists+=(tests/packages-long.txt); fi
    install_packages "${lists[@]}"
fi

if wants unit; then ctests debug unit -L unit; fi
if wants fuzzreg; then ctests debug fuzzreg -L fuzzreg; fi
if wants lint; then ctests debug lint -L lint; fi
if wants http; then http_tests debug; fi
if wants tsan; then ctests tsan threads -L unit -R "^($threaded)_"; fi
if [ "$mode" != quick ]; then
    if wants lint; then
        ctests tsan lint -L lint
        ctests release lint -L lint
    fi
    if wants http; then
        http_tests tsan
        http_tests release
    fi
fi
if wants fuzz; then fuzz_all; fi

exec python3 tests/summary.py "$results"
