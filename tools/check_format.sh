#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fails when a C file of src, tests or bench is not as clang-format 14 would write it. `--fix` rewrites.
set -eu
cd "$(dirname "$0")/.."
format=$(command -v clang-format-14 || command -v clang-format) || {
    echo "check_format: clang-format is not installed" >&2
    exit 2
}
mode='--dry-run --Werror'
[ "${1:-}" = --fix ] && mode=-i
# shellcheck disable=SC2086 # the two words of $mode
find src tests bench -name '*.[ch]' -print0 | xargs -0 -r "$format" $mode
