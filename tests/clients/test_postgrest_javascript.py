"""`@supabase/postgrest-js`, as it is published. What it is asked is in `javascript/rest.test.mjs`."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests.clients.conftest import Port
from tests.node import node_in

JAVASCRIPT = Path(__file__).parent / "javascript"


def test_postgrest_js_finds_what_it_expects(port: Port) -> None:
    node = node_in(JAVASCRIPT)
    callers = {name: port.headers(name) for name in ("anonymous", "alice", "editor")}
    finished = subprocess.run(
        [node, "--test", "rest.test.mjs"],
        cwd=JAVASCRIPT,
        env={
            "PATH": os.environ["PATH"],
            "ADDRESS": f"{port.address}/rest/v1",
            "ENGINE": port.engine,
            "CALLERS": json.dumps(callers),
        },
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout[-6000:] + finished.stderr[-2000:]
