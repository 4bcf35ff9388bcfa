"""The published JavaScript client, unmodified. What it is asked is in `javascript/auth.test.mjs`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from uuid import uuid4

from tests.api.identity.provider import Liar
from tests.identity.conftest import JAVASCRIPT
from tests.identity.served import PUBLISHABLE_KEY, SECRET_KEY, Served


def test_auth_js_finds_what_it_expects(served: Served, node: Path, liar: Liar) -> None:
    liar.claims = {"sub": uuid4().hex, "email": None}
    finished = subprocess.run(
        [node, "--test", "auth.test.mjs"],
        cwd=JAVASCRIPT,
        env={
            "PATH": os.environ["PATH"],
            "URL": served.address,
            "PUBLISHABLE_KEY": PUBLISHABLE_KEY,
            "SECRET_KEY": SECRET_KEY,
            "MAILS": str(served.mails),
            "ID_TOKEN": liar.token("nonce"),
        },
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout[-6000:] + finished.stderr[-2000:]
