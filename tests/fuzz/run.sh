#!/bin/sh
# Runs the resampler under AddressSanitizer and UndefinedBehaviorSanitizer over random jobs, for half a minute at most.
# Usage: tests/fuzz/run.sh [inputs [seconds [seed]]]; the same seed gives the same jobs.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
sources=$here/../../qisd/imaging/_resample
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"${CC:-gcc}" -std=c11 -O1 -g -Wall -Wextra -Werror -fno-math-errno -fno-trapping-math -fno-omit-frame-pointer \
    -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover \
    -Wl,--wrap=calloc -I "$sources" "$here/fuzz_resample.c" "$sources/resample.c" -lm -o "$work/fuzz"
"$work/fuzz" "${1:-100000}" "${2:-30}" "${3:-1}"
