"""Events by any of the services the library Apprise knows: chat, push, SMS.

What must stay true here: the library is wanted only where a route is of that kind; a service's address is a secret,
so it comes from a file, and nothing the library logs goes further.
"""

from __future__ import annotations

import importlib
import logging
from typing import Any

from trackerd.notify.sender import Parcel, Undelivered
from trackerd.notify.words import Words


class Service:
    """One address."""

    def __init__(self, url: str, words: Words) -> None:
        """Prepare. Raises ValueError where the library is missing or does not know the address."""
        try:
            apprise: Any = importlib.import_module("apprise")
        except ImportError:
            raise ValueError("needs Apprise, which is not installed: pip install 'trackerd[apprise]'") from None
        logging.getLogger("apprise").disabled = True
        asset = apprise.AppriseAsset(storage_mode=apprise.PersistentStoreMode.MEMORY)
        self._apprise = apprise.Apprise(asset=asset)
        if not self._apprise.add(url):
            raise ValueError("holds no address that Apprise knows: see https://appriseit.com/services/")
        self._words = words

    def send(self, parcel: Parcel) -> str:
        """See Transport."""
        told = self._words.message(parcel)
        if not self._apprise.notify(body=told.text, title=told.subject):
            raise Undelivered("the service did not take it: look at its address, and whether it is up", away=True)
        return "the service took it"
