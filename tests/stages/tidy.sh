#!/bin/sh
# clang-tidy over one source file.
set -eu
clang-tidy-14 -p build/clang --quiet "$1" 2>/dev/null
