"""Models behind the interface of OpenAI: OpenAI, Azure OpenAI, vLLM, Ollama and many others."""

import json
import os
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

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

_HOME: Final = "https://api.openai.com/v1"
# Whoever asks a server of their own needs no key, and the package wants some.
_NO_KEY: Final = "none"


class OpenAICompatible:
    """An endpoint that speaks as OpenAI's.

    Parameters
    ----------
    kind : {"chat", "openai-moderation"}
        What is asked there.
    model : str
        Which model.
    base_url : str, optional
        Where; default: the environment's ``OPENAI_BASE_URL``, else OpenAI.
    key_variable : str
        The environment variable that holds the key.
    timeout : float
        Seconds after which a silent request is given up and asked again.
    patience : Patience, optional
        How faults that pass are met.

    Raises
    ------
    UsageError
        If the package openai is not there, or no key is.
    """

    def __init__(
        self,
        kind: str,
        model: str,
        *,
        base_url: str | None = None,
        key_variable: str = "OPENAI_API_KEY",
        timeout: float = 120.0,
        patience: Patience | None = None,
    ) -> None:
        try:
            import openai
        except ImportError as error:
            raise UsageError(
                "models are asked through the package openai, which is not there: pip install 'riskshift[run]'"
            ) from error
        url = base_url or os.environ.get("OPENAI_BASE_URL") or _HOME
        self.model = model
        self.spent = Spent()
        self._is_chat = kind == "chat"
        self._main = "messages" if self._is_chat else "input"
        self._variable = key_variable
        self._patience = patience or Patience()
        self.address = _address(url)
        key = _key(key_variable, url)
        self._refusals = Refusals(self.address, self._advice, key)
        self._client = openai.AsyncOpenAI(
            api_key=key,
            base_url=url,
            max_retries=0,  # its own patience is bounded too low, and knows nothing of other requests
            timeout=timeout,
            # A redirect would take the texts to where nobody sent them.
            http_client=openai.DefaultAsyncHttpxClient(follow_redirects=False),
        )

    async def ask(self, request: Request) -> Reply:
        """Ask once, with patience; raises as `Endpoint.ask`."""
        try:
            return await self._patience.ask(lambda: self._once(request.body), self.spent)
        except Busy as busy:
            return Reply(Answer(failed=FAILED), busy.detail)

    async def close(self) -> None:
        """Let go of all connections."""
        await self._client.close()

    async def _once(self, body: Mapping[str, Any]) -> Reply:
        import openai

        try:
            # As it came: what is no answer must be seen here, and not be guessed into one.
            came = (await self._post(body)).http_response
        except openai.APITimeoutError:
            raise Busy("timeout") from None
        except openai.APIConnectionError:
            raise Busy("connection") from None
        except openai.APIStatusError as error:
            came = error.response
        if came.status_code >= 300:  # outside of the block: what the package says may quote texts
            after = seconds(came.headers.get("retry-after"))
            return self._refusals.reply(came.status_code, _codes(came.content), after)
        reply = self._read(came.content)
        self._refusals.answered += 1
        return reply

    async def _post(self, body: Mapping[str, Any]) -> Any:
        """Send a body; what the package does not know of it, it is given apart."""
        rest = {name: value for name, value in body.items() if name != self._main}
        resource = self._client.chat.completions if self._is_chat else self._client.moderations
        create: Any = resource.with_raw_response.create
        return await create(**{self._main: body[self._main]}, model=self.model, extra_body=rest)

    def _read(self, content: bytes) -> Reply:
        try:
            held = json.loads(content)
            self._count(held.get("usage"))
            answer = _of_chat(held) if self._is_chat else _of_service(held)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
            raise Busy("no_completion") from None
        return Reply(answer)

    def _count(self, usage: object) -> None:
        """Add tokens as the endpoint counts them; not all of them do."""
        if isinstance(usage, dict):
            counted = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
            given, made = (n if isinstance(n, int) else 0 for n in counted)
            self.spent.tokens_in += given
            self.spent.tokens_out += made

    def _advice(self, status: int) -> str:
        if status in (401, 403):
            return f"See whether {self._variable} holds a key that may ask {self.model}."
        if status == 404:
            return (
                f"See whether it has the model {self.model}, and whether the base URL ends in /v1."
            )
        if 300 <= status < 400:
            return "It sends requests elsewhere, and they are not sent there: name the place itself with --base-url."
        return f"See what {self.model} accepts: not every server takes structured output."


def _address(url: str) -> str:
    """Check a base URL and return it without what may be a secret."""
    try:
        parsed = urlsplit(url)
        host, port = parsed.hostname, parsed.port
    except ValueError:
        host = port = None
    if not host or parsed.scheme not in ("http", "https"):
        raise UsageError("the base URL is no address; write it like http://localhost:8000/v1.")
    there = f"{host}:{port}" if port else host
    return f"{parsed.scheme}://{there}{parsed.path}".rstrip("/")


def _key(variable: str, url: str) -> str:
    key = os.environ.get(variable)
    if not key and url.rstrip("/") == _HOME:
        raise UsageError(
            f"there is no key for {_HOME}: put it into the environment variable {variable}, or name another endpoint "
            "with --base-url."
        )
    return key or _NO_KEY


def _codes(content: bytes) -> list[str]:
    """Return the words by which an endpoint calls a fault; never its sentences."""
    try:
        error = json.loads(content)["error"]
        inner = error.get("innererror") or {}
        found = [error.get("code"), inner.get("code"), error.get("type"), error.get("param")]
    except (ValueError, TypeError, KeyError, AttributeError):
        return []
    return list(dict.fromkeys(filter(None, map(word, found))))


def _of_chat(held: Mapping[str, Any]) -> Answer:
    choice = held["choices"][0]
    message = choice["message"]
    told = [message.get("content"), choice.get("finish_reason"), message.get("refusal")]
    if not all(part is None or isinstance(part, str) for part in told):
        raise TypeError("a part of the answer is no text")
    return Answer(*told)


def _of_service(held: Mapping[str, Any]) -> Answer:
    return Answer(text=json.dumps({**held, "results": list(held["results"])}), finish="stop")
