"""The empty FastAPI endpoint: no token, no database, no access log. Less than this FastAPI cannot do."""

from __future__ import annotations

import os

import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def root() -> dict[str, str]:
    """The whole application."""
    return {"hello": "world"}


if __name__ == "__main__":
    port = int(os.environ["BENCH_PORT"])
    uvicorn.run(
        app, port=port, http="httptools", loop="uvloop", ws="none", access_log=False, log_level="warning"
    )
