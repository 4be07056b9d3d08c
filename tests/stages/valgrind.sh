#!/bin/sh
# One unit test under valgrind.
set -eu
timeout 300 valgrind --quiet --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite "$1"
