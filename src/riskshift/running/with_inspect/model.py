"""A model of any provider that Inspect knows, asked as endpoints are."""

from typing import Any, Final

from riskshift.errors import UsageError
from riskshift.graders.asking import FAILED, Answer, Request
from riskshift.running.endpoints.endpoint import Busy, Refusals, Reply, Spent, word

INSTALL: Final = (
    "models are asked through Inspect AI, which is not there: pip install 'riskshift[run]'"
)
# Inspect would go on for ever; by then a provider has been silent for minutes.
_MOST_RETRIES: Final = 6


class InspectModel:
    """A model by Inspect's name for it.

    Parameters
    ----------
    name : str
        ``PROVIDER/MODEL``, such as ``openai/gpt-x`` or ``ollama/llama3``.
    connections : int
        How many requests may be on their way at once.
    timeout : float
        Seconds after which a silent request is given up and asked again.

    Raises
    ------
    UsageError
        If Inspect, the provider's package or its key is not there, or there is no such provider.
    """

    def __init__(self, name: str, *, connections: int, timeout: float) -> None:
        try:
            from inspect_ai.model import GenerateConfig, get_model
        except ImportError as error:
            raise UsageError(INSTALL) from error
        config = GenerateConfig(
            max_connections=connections,
            max_retries=_MOST_RETRIES,
            attempt_timeout=max(1, round(timeout)),
        )
        try:
            self._model = get_model(name, config=config, memoize=False)
        except Exception as error:  # whatever Inspect and its providers say of a name or a key
            raise UsageError(f"the model {name!r} cannot be asked: {_said(error)}") from error
        self.address = f"{name} (Inspect)"
        self.spent = Spent()
        # Where Inspect has no key to tell, no word of the provider's is told either.
        key = getattr(self._model.api, "api_key", None) or ""
        self._refusals = Refusals(self.address, lambda status: f"See what {name} accepts.", key)

    async def ask(self, request: Request) -> Reply:
        """Ask once, with Inspect's patience; raises as `Endpoint.ask`."""
        from riskshift.running.with_inspect.asked import answer_of, sent

        self.spent.requests += 1
        try:
            output = await self._model.generate(*sent(request.body))
        except Exception as error:  # noqa: BLE001 - each provider has its own
            return self._fault(error)
        self._refusals.answered += 1
        if output.usage:
            self.spent.tokens_in += output.usage.input_tokens
            self.spent.tokens_out += output.usage.output_tokens
        return Reply(answer_of(output))

    async def close(self) -> None:
        """Let go of all connections."""
        await self._model.api.aclose()

    def _fault(self, error: BaseException) -> Reply:
        """Return why one prompt has no answer; raise what concerns all of them."""
        error = _cause(error)
        status = getattr(error, "status_code", None)
        told = type(error).__name__
        if not isinstance(status, int):
            return Reply(Answer(failed=FAILED), told)
        try:
            return self._refusals.reply(status, [word(getattr(error, "code", None)) or told], None)
        except Busy as busy:  # Inspect asked again already
            return Reply(Answer(failed=FAILED), busy.detail)


def _cause(error: BaseException) -> BaseException:
    """Return what a retried call failed with at last."""
    last: Any = getattr(error, "last_attempt", None)
    found = last.exception() if last is not None else None
    return found if isinstance(found, BaseException) else error


def _said(error: BaseException) -> str:
    """Return what Inspect says, without the marks that it has for terminals."""
    told = getattr(error, "message", None) or str(error)
    from rich.text import Text

    try:
        plain = Text.from_markup(str(told)).plain
    except Exception:  # noqa: BLE001 - not every message is written for it
        plain = str(told)
    return " ".join(plain.split())
