#!/bin/sh
# From a fresh machine to a receptionist that you can talk to: no account, no key, no telephone.
#
#   sh examples/quickstart.sh [--no-packages]         builds and runs the engine with scripts/main.lua
#   sh examples/quickstart.sh --demo [--seed N] ...   builds, then makes one call by itself: prints the
#                                                     conversation, writes build/demo.wav, and ends
#                                                     with 0 only if every turn was as expected
set -eu

cd "$(dirname "$0")/.."
setup=
demo=no
seed=

while [ $# -gt 0 ]; do
    case $1 in
    --no-packages) setup=--no-packages ;;
    --demo) demo=yes ;;
    --seed)
        [ $# -gt 1 ] || { echo 'quickstart: --seed needs a number' >&2; exit 2; }
        shift
        seed=$1
        ;;
    *)
        echo 'usage: sh examples/quickstart.sh [--no-packages] [--demo [--seed N]]' >&2
        exit 2
        ;;
    esac
    shift
done

# shellcheck disable=SC2086 # nothing, or one word
sh engine/setup.sh $setup

if [ $demo = yes ]; then
    exec build/voiceengine call --script scripts/main.lua --demo ${seed:+--seed "$seed"} \
        --out build/demo.wav
fi

exec build/voiceengine run scripts/main.lua
