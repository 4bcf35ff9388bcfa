"""Users, as far as a token needs somebody to be about. The identity feature will say how people become users."""

from __future__ import annotations

from uuid import UUID

from backstay.models.auth.user import User
from backstay.repositories.auth.users import UserRepository
from backstay.services.context import Context
from backstay.services.unit_of_work import UnitOfWork


class Users:
    """Finds users by their address, or makes them."""

    def __init__(self, units: UnitOfWork) -> None:
        self._units = units

    async def ensure(self, context: Context, email: str) -> UUID:
        """The id of the user with that address, who is made when there is none."""
        async with self._units.begin(context) as session:
            users = UserRepository(session)
            known = await users.by_email(email)
            if known is None:
                known = User(email=email)
                await users.add(known)
            return known.id
