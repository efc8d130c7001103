"""An access token: fetched once, shared by all threads, fetched anew when the vendor drops it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from activation.errors import Transient

_FETCH_SECONDS = 30.0


class SharedToken:
    """Holds the access token of one connection."""

    def __init__(self, fetch: Callable[[float], str], call: str) -> None:
        """
        Take what asks the vendor for a token.

        Args:
            fetch: returns a new token within so many seconds, or raises.
            call: the call that it makes, for the message.
        """
        self._fetch = fetch
        self._call = call
        self._lock = threading.Lock()
        self._token: str | None = None

    def current(self, seconds: float) -> str:
        """Return the token, fetching the first one."""
        return self._token or self.renew(None, seconds)

    def renew(self, seen: str | None, seconds: float) -> str:
        """
        Return a token other than the one seen, fetching it unless another thread has done so.

        Raises:
            AccessRefused: the credentials are not accepted.
            ConfigurationError: the credentials are incomplete or unusable.
            Transient: no token now; nothing was written.
        """
        if not self._lock.acquire(timeout=max(seconds, 0.0)):
            raise Transient(f"{self._call}: still under way.", code="TOKEN_TIMEOUT")
        try:
            if self._token is None or self._token == seen:
                self._token = self._fetch(min(seconds, _FETCH_SECONDS))
            return self._token
        finally:
            self._lock.release()
