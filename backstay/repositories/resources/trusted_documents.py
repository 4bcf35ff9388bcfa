"""The GraphQL documents that come with a project: the files of one folder."""

from __future__ import annotations

from pathlib import Path

from backstay.errors import ConfigurationError


def read_trusted_documents(folder: Path) -> list[str]:
    """The text of each `*.graphql` file, in the order of their names; none where there is no folder.

    Raises:
        ConfigurationError: for a file that cannot be read as text.
    """
    texts = []
    for file in sorted(folder.glob("*.graphql")):
        try:
            texts.append(file.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError([f"{file} cannot be read as text: {error}"]) from error
    return texts
