#!/bin/sh
# Sets up, builds and runs the tests; the last line is "N passed, N failed" over all of them.
#
#   sh tests/run.sh [--all] [--no-packages] [WORD...]
#
#   --all          also the slow ones: clang, clang-tidy, ThreadSanitizer, valgrind, running out of
#                  memory, fuzzing, killing
#   --no-packages  install no Debian package (see engine/setup.sh)
#   WORD           only tests whose name contains one of the words
#
# Every stage below prints its count and its seconds; what it said is in build/log/. A stage that
# crashes, or that gives no count, is a failure.
set -u

cd "$(dirname "$0")/.." || exit 1
root=$PWD
log=$root/build/log
all=no
setup=--tests
words=

while [ $# -gt 0 ]; do
    case $1 in
    --all) all=yes ;;
    --no-packages) setup="$setup --no-packages" ;;
    -*)
        echo "usage: sh tests/run.sh [--all] [--no-packages] [WORD...]" >&2
        exit 2
        ;;
    *) words="$words $1" ;;
    esac
    shift
done

export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=0:second_deadlock_stack=1

# --- counting ------------------------------------------------------------------------------------

# counts FILE: "passed failed skipped" from what a runner printed, or nothing when it gave no count.
# Understands our own last line, ctest, TAP and busted.
counts() {
    awk -v words="$words" '
        /^([#a-z]+:? )?[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/ {
            line = $0; gsub(/[^0-9 ]/, "", line); n = split(line, v, " ")
            own = v[1] " " v[2] " " (n > 2 ? v[3] : 0) }
        /tests passed, [0-9]+ tests failed out of [0-9]+/ {
            ctest = $NF - $4 " " $4 " 0" }
        /^No tests were found/ { if (words != "") ctest = "0 0 0" }
        /^ok / { if (/# SKIP/) tap_skipped++; else tap_passed++; tap = 1 }
        /^not ok / { tap_failed++; tap = 1 }
        /^1\.\.[0-9]+/ { plan = substr($1, 4); tap = 1 }
        /^[0-9]+ success(es)? \/ [0-9]+ failures? \/ [0-9]+ errors? \/ [0-9]+ pending/ {
            busted = $1 " " $4 + $7 " " $10 }
        END {
            if (own != "") print own
            else if (ctest != "") print ctest
            else if (busted != "") print busted
            else if (tap) {
                lost = plan - tap_passed - tap_failed - tap_skipped
                print tap_passed + 0, tap_failed + (lost > 0 ? lost : 0), tap_skipped + 0
            }
        }' "$1"
}

# stage NAME COMMAND...: runs a runner and notes its count
stage() {
    name=$1
    file=$log/$(printf '%s' "$name" | tr -c 'a-z0-9\n' '-')
    shift
    begin=$(date +%s)
    ("$@") >"$file.txt" 2>&1 </dev/null
    status=$?
    seconds=$(($(date +%s) - begin))
    # shellcheck disable=SC2046 # three numbers
    set -- $(counts "$file.txt")
    if [ $# -ne 3 ]; then
        set -- 0 1 0
        echo "$name ended with status $status and gave no count" >>"$file.txt"
    elif [ $status -ne 0 ] && [ "$2" -eq 0 ]; then
        set -- "$1" 1 "$3"
        echo "$name ended with status $status although no test failed" >>"$file.txt"
    fi
    echo "$*" >"$file.count"
    report "$name" "$file.txt" "$seconds" "$@"
}

# report NAME FILE SECONDS PASSED FAILED SKIPPED
report() {
    printf '%-22s %5d passed %4d failed %4d skipped %5d s\n' "$1" "$4" "$5" "$6" "$3"
    if [ "$5" -gt 0 ]; then
        grep -vE '^ok |^\[ *(RUN|OK) | Passed +[0-9.]+ sec$|^ +Start +[0-9]+: ' "$2" | tail -n 80 | sed 's/^/    /'
        echo "    (all of it: $2)"
    fi
}

# total: the last line, and the exit code
total() {
    cat "$log"/*.count /dev/null | awk '
        { passed += $1; failed += $2; skipped += $3 }
        END {
            printf "%d passed, %d failed", passed, failed
            if (skipped) printf ", %d skipped", skipped
            printf "\n"
            exit failed > 0 || passed == 0
        }'
    exit $?
}

# note_failure NAME: a failure of something that is no test
note_failure() {
    echo '0 1 0' >"$log/$(printf '%s' "$1" | tr -c 'a-z0-9\n' '-').count"
}

# --- building ------------------------------------------------------------------------------------

# build DIR NAME CMAKE-OPTION...: $targets, or everything, into build/ or a folder in it
targets=
build() {
    dir=$1
    name="build $2"
    file=$log/$(printf '%s' "$name" | tr -c 'a-z0-9\n' '-').txt
    shift 2
    begin=$(date +%s)
    # shellcheck disable=SC2086 # one word each
    if cmake -S . -B "$dir" -G Ninja "$@" >"$file" 2>&1 &&
        ninja -C "$dir" -k 20 $targets >>"$file" 2>&1; then
        printf '%-61s %5d s\n' "$name" $(($(date +%s) - begin))
        return 0
    fi
    note_failure "$name"
    echo "$name failed:"
    grep -E -A 12 'FAILED|error|Error' "$file" | head -n 60 | sed 's/^/    /'
    echo "    (all of it: $file)"
    return 1
}

build_release() {
    build build release -DVE_TESTS=ON
}

build_asan() {
    build build/asan asan -DCMAKE_BUILD_TYPE=Debug -DVE_SANITIZE=address
}

build_tsan() {
    build build/tsan tsan -DCMAKE_BUILD_TYPE=Debug -DVE_SANITIZE=thread
}

build_clang() {
    build build/clang clang -DCMAKE_C_COMPILER=clang-14
}

build_fuzz() {
    targets=$(find tests/fuzz -name 'fuzz_*.c' -exec basename {} .c ';')
    build build/fuzz fuzz -DCMAKE_C_COMPILER=clang-14 -DCMAKE_BUILD_TYPE=Debug \
        -DVE_SANITIZE=address -DVE_FUZZER=ON
}

# --- runners -------------------------------------------------------------------------------------

# unit DIR [NAME...]: the C tests and the replay of the fuzz corpus, started by $launcher
launcher=
unit() {
    dir=$1
    shift
    pattern=.
    [ $# -eq 0 ] || pattern=$(echo "$*" | tr ' ' '|')
    $launcher ctest --test-dir "$dir" -j2 --timeout 300 --output-on-failure -R "$pattern"
}

# wanted_lines: of the lines read, those that contain one of the words; all when there is none
wanted_lines() {
    while read -r line; do
        for word in $words; do
            case $line in *"$word"*) echo "$line" && continue 2 ;; esac
        done
        [ -n "$words" ] || echo "$line"
    done
}

nothing_there() {
    echo '0 passed, 0 failed'
}

# specs ENGINE: the Lua tests, of the engine and of the examples, inside the engine
specs() {
    files=$(find tests/spec examples -name '*_spec.lua' | sort | wanted_lines)
    [ -n "$files" ] || {
        nothing_there
        return
    }
    # shellcheck disable=SC2086 # one word each
    timeout 300 "$1" test $files
}

# end_to_end ENGINE [--slow]: starts the real binary
end_to_end() {
    [ -n "$(find tests/e2e -name '*.py')" ] || {
        nothing_there
        return
    }
    engine=$1
    shift
    # shellcheck disable=SC2086 # one word each
    timeout 600 python3 tests/e2e/run.py --engine "$engine" "$@" $words
}

lints() {
    # shellcheck disable=SC2086 # one word each
    python3 tests/lint/run.py $words
}

# each_as_tap COMMAND: reads names, runs COMMAND NAME for two at a time, prints TAP
each_as_tap() {
    sort >"$log/names.txt"
    echo "1..$(wc -l <"$log/names.txt")"
    # shellcheck disable=SC2016 # expanded by the inner shell
    xargs -r -P 2 -n 1 sh -c '
        if out=$(sh tests/stages/"$1" "$2" 2>&1); then
            echo "ok - $2"
        else
            printf "not ok - %s\n%s\n" "$2" "$out"
        fi' sh "$1" <"$log/names.txt"
}

tidy() {
    find engine -name '*.c' ! -path 'engine/host/*' | wanted_lines | each_as_tap tidy.sh
}

valgrind_some() {
    find build/unit -name 'unit_*' | wanted_lines |
        grep -E '_(base|crypto|call|script|media)_|_loop_(job|live|timer)$' |
        each_as_tap valgrind.sh
}

fuzz_each() {
    find build/fuzz/fuzz -name 'fuzz_*' | wanted_lines | each_as_tap fuzz.sh
}

# The tests that look at VE_TEST_SLOW sweep over every allocation then.
out_of_memory() {
    names=$(grep -rl VE_TEST_SLOW tests/unit --include='test_*.c' | wanted_lines |
        sed 's,tests/unit/\(.*\)/test_\(.*\)\.c,^unit_\1_\2$,')
    [ -n "$names" ] || {
        nothing_there
        return
    }
    # shellcheck disable=SC2086 # one word each
    VE_TEST_SLOW=1 unit build/asan $names
}

# This compiler's ThreadSanitizer cannot run where newer kernels place a program: without the
# random placement it can.
unit_tsan() {
    setarch -R true 2>/dev/null && launcher='setarch -R'
    # shellcheck disable=SC2086 # one word each
    unit build/tsan $words
}

# --- the order of things ---------------------------------------------------------------------------

fast() {
    build_release || total
    stage lint lints
    # shellcheck disable=SC2086 # one word each
    stage unit unit build $words
    stage spec specs build/voiceengine
    stage e2e end_to_end build/voiceengine
    build_asan || return
    # shellcheck disable=SC2086 # one word each
    stage 'unit asan' unit build/asan $words
    stage 'spec asan' specs build/asan/voiceengine
    stage 'e2e asan' end_to_end build/asan/voiceengine
}

slow() {
    stage 'e2e slow' end_to_end build/voiceengine --slow
    [ -d build/asan ] && stage 'out of memory' out_of_memory
    stage valgrind valgrind_some
    build_clang && {
        # shellcheck disable=SC2086 # one word each
        stage 'unit clang' unit build/clang $words
        stage tidy tidy
    }
    build_tsan && stage 'unit tsan' unit_tsan
    build_fuzz && stage fuzz fuzz_each
}

mkdir -p "$log"
rm -f "$log"/*
# shellcheck disable=SC2086 # one word each
sh engine/setup.sh $setup </dev/null || {
    note_failure setup
    total
}
fast
[ $all = no ] || slow
total
