#!/bin/sh
# Ten seconds of fuzzing one target, from its corpus. What it finds stays in build/fuzz/found/.
set -eu
name=$(basename "$1")
mkdir -p "build/fuzz/corpus/$name" build/fuzz/found
timeout 120 "$1" -max_total_time=10 -timeout=10 -rss_limit_mb=1024 -max_len=8192 -print_final_stats=0 \
    -artifact_prefix="build/fuzz/found/$name-" "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name"
