#!/usr/bin/env bash
# Sets up, builds and runs all tests; arguments go to ctest.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
"$repository/scripts/setup.sh"
configure_and_build release all
cd "$repository"
exec ctest --preset release --parallel "$(nproc)" "$@"
