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

cd "$(dirname "$0")/../examples/atlas"
"$BIN/backstay" migrate up
"$BIN/python" -m backend.load
exec "$BIN/backstay" dev --no-reload
