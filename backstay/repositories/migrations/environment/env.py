"""What Alembic runs for every command: it hands its context to the runner that called it."""

from alembic import context

context.config.attributes["run"](context)
