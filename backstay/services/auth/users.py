"""Users made without proof, for tools: `backstay token`, and tests. How people become users is in `accounts.py`."""

from __future__ import annotations

from uuid import UUID

from backstay.models.auth.addresses import read_address
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
        address = read_address(email)
        async with self._units.begin(context) as session:
            users = UserRepository(session)
            known = await users.by_key(address.key)
            if known is None:
                known = User(email=address.typed, email_key=address.key)
                await users.add(known)
            return known.id
