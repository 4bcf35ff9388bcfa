"""`@supabase/postgrest-js` and `functions-js`, as they are published. What they are asked is in `javascript`."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.clients.conftest import Port
from tests.node import node_in

JAVASCRIPT = Path(__file__).parent / "javascript"


@pytest.mark.parametrize(("client", "path"), [("rest", "/rest/v1"), ("functions", "")])
def test_published_clients_find_what_they_expect(port: Port, client: str, path: str) -> None:
    node = node_in(JAVASCRIPT)
    callers = {name: port.headers(name) for name in ("anonymous", "alice", "editor")}
    finished = subprocess.run(
        [node, "--test", f"{client}.test.mjs"],
        cwd=JAVASCRIPT,
        env={
            "PATH": os.environ["PATH"],
            "ADDRESS": f"{port.address}{path}",
            "ENGINE": port.engine,
            "CALLERS": json.dumps(callers),
        },
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout[-6000:] + finished.stderr[-2000:]
