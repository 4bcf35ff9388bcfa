#!/usr/bin/env bash
# Migrates, loads and serves the atlas example. The first argument is the folder that keeps its data.
set -euo pipefail

data="$1"
case "$PORT" in
    '' | *[!0-9]*) echo "PORT must be a number, not '$PORT'" >&2; exit 2 ;;
esac
mkdir -p "$data"
export BACKSTAY_ENVIRONMENT=development
export BACKSTAY_DATA_FOLDER="$data"
export BACKSTAY_HTTP__PORT="$PORT"

# From the repository's root, so that the lines it prints can be run from where `make demo` was.
cd "$(dirname "$0")/.."
"$BIN/backstay" --project examples/atlas migrate up
(cd examples/atlas && "$BIN/python" -m backend.load)
exec "$BIN/backstay" --project examples/atlas dev --no-reload
