"""What an operation may ask of the database: each field counts as often as there can be rows around it."""

from __future__ import annotations

from backstay.errors import BackstayError


class Budget:
    """The cost that is left."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.spent = 0

    def spend(self, cost: int) -> None:
        """Take off the cost of a field.

        Raises:
            BackstayError: `54000` when there is not enough left; nothing has been asked of the database then.
        """
        self.spent += cost
        if self.spent > self._most:
            raise BackstayError(
                "54000",
                f"the operation costs more than {self._most}",
                hint="Ask for fewer rows with first or last, above all of connections within connections.",
            )
