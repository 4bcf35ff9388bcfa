"""The generated TypeScript, compiled with the unmodified client. What it allows and refuses is in `javascript/rows.ts`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from backstay.controllers.openapi.typescript import build_typescript
from backstay.models.catalog_reading import read_catalog
from backstay.services.resources.typed import audience_named, typed_catalog
from tests.api.models import MODELS
from tests.api.typed.documented import ATLAS, compiled_example
from tests.api.typed.functions import FUNCTIONS
from tests.api.typed.odd import odd_catalog
from tests.node import node_in

JAVASCRIPT = Path(__file__).parent / "javascript"


def test_the_compiler_accepts_what_is_right_and_refuses_what_is_wrong(tmp_path: Path) -> None:
    node = node_in(JAVASCRIPT)
    catalog = read_catalog(MODELS)
    typed = {
        "database.ts": typed_catalog(catalog, audience_named(catalog, None), FUNCTIONS),
        "user.ts": typed_catalog(catalog, audience_named(catalog, "user")),
        "odd.ts": odd_catalog(),
    }
    for name, described in typed.items():
        (tmp_path / name).write_text(build_typescript(described, "made by a test"), "utf-8")
    (tmp_path / "docs").mkdir()
    shutil.copy(ATLAS / "database.ts", tmp_path / "docs")
    (tmp_path / "docs" / "example.ts").write_text(compiled_example("typescript"), "utf-8")
    for name in ("rows.ts", "odd_rows.ts", "tsconfig.json", "package.json"):
        shutil.copy(JAVASCRIPT / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(JAVASCRIPT / "node_modules")
    compiled = subprocess.run(
        [node, "node_modules/typescript/bin/tsc", "--project", "."],
        cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert compiled.returncode == 0, compiled.stdout
