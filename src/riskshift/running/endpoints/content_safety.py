"""Azure AI Content Safety, through the package of its maker."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from riskshift.errors import UsageError
from riskshift.graders.asking import FAILED, Answer, Request
from riskshift.running.endpoints.endpoint import (
    Busy,
    Patience,
    Refusals,
    Reply,
    Spent,
    seconds,
    word,
)

PLACE: Final = "CONTENT_SAFETY_ENDPOINT"
KEY: Final = "CONTENT_SAFETY_KEY"


class ContentSafety:
    """The service that gives severities of a text; its place and key stand in the environment.

    Parameters
    ----------
    connections : int
        How many requests may be on their way at once.
    timeout : float
        Seconds after which a silent request is given up and asked again.
    patience : Patience, optional
        How faults that pass are met.

    Raises
    ------
    UsageError
        If the package azure-ai-contentsafety is not there, or place or key are not.
    """

    def __init__(
        self, *, connections: int = 16, timeout: float = 120.0, patience: Patience | None = None
    ) -> None:
        try:
            from azure.ai.contentsafety import ContentSafetyClient
            from azure.core.credentials import AzureKeyCredential
        except ImportError as error:
            raise UsageError(
                "Azure AI Content Safety is asked through the package azure-ai-contentsafety, which is not there: "
                "pip install 'riskshift[azure]'"
            ) from error
        place, key = os.environ.get(PLACE), os.environ.get(KEY)
        if not place or not key:
            raise UsageError(
                f"Azure AI Content Safety needs the environment variables {PLACE} (https://NAME.cognitiveservices."
                f"azure.com) and {KEY}."
            )
        self.address = place.partition("?")[0].rstrip("/")
        self.spent = Spent()
        self._patience = patience or Patience()
        self._refusals = Refusals(self.address, lambda status: f"See {PLACE} and {KEY}.", key)
        # Its asynchronous client would need one more package; threads wait as well.
        self._threads = ThreadPoolExecutor(connections)
        self._client = ContentSafetyClient(
            place,
            AzureKeyCredential(key),
            retry_total=0,
            permit_redirects=False,
            connection_timeout=timeout,
            read_timeout=timeout,
        )

    async def ask(self, request: Request) -> Reply:
        """Ask once, with patience; raises as `Endpoint.ask`."""
        try:
            return await self._patience.ask(lambda: self._in_thread(request), self.spent)
        except Busy as busy:
            return Reply(Answer(failed=FAILED), busy.detail)

    async def close(self) -> None:
        """Let go of all connections, when those in use are done: a thread cannot be ended."""
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        self._client.close()

    async def _in_thread(self, request: Request) -> Reply:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._once, dict(request.body))

    def _once(self, body: dict[str, Any]) -> Reply:
        from azure.core.exceptions import (
            AzureError,
            DecodeError,
            HttpResponseError,
            ServiceRequestError,
        )

        try:
            found: Any = self._client.analyze_text(body, cls=_as_it_came)
        except ServiceRequestError:
            raise Busy("connection") from None
        except DecodeError:
            raise Busy("no_completion") from None
        except HttpResponseError as error:
            fault = error
        except (AzureError, ValueError, TypeError):
            raise Busy("no_completion") from None
        else:
            self._refusals.answered += 1
            return Reply(Answer(text=found, finish="stop"))
        headers = {} if fault.response is None else fault.response.headers
        codes = filter(None, [word(getattr(fault.error, "code", None))])
        after = seconds(headers.get("Retry-After"))
        return self._refusals.reply(fault.status_code or 500, list(codes), after)


def _as_it_came(came: Any, made: Any, headers: Any) -> str:
    """Return the body: what the package makes of it leaves out what it does not know."""
    return str(came.http_response.text())
