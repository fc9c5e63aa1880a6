"""A local endpoint, as OpenAI's or Azure's, that misbehaves on demand; 127.0.0.1 only."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import contextmanager

KINDS = (
    "429",
    "500",
    "stall",
    "cut",
    "not_json",
    "no_field",
    "wrong_type",
    "redirect",
    "401",
    "400",
)
MOST_BYTES = 1 << 20


def completion(content, *, finish="stop", refusal=None):
    """What a chat endpoint answers."""
    message = {"role": "assistant", "content": content, "refusal": refusal}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return {
        "id": "x",
        "object": "chat.completion",
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }


class Server:
    """Answers each request as `answer(body)` says, after `fault(body, times)` had its way.

    `fault` is told how often the same body came before, and returns one of `KINDS` or None. What
    came is kept in `bodies` and `headers`.
    """

    def __init__(
        self,
        answer: Callable[[dict], object],
        fault: Callable[[dict, int], str | None] = lambda body, times: None,
        *,
        latency: float = 0.0,
    ):
        self.answer, self.fault, self.latency = answer, fault, latency
        self.bodies, self.headers, self.paths = [], [], []
        self.seen = Counter()
        self.open = self.most_open = 0
        self.port = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    async def serve(self, reader, writer):
        try:
            while await self.one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    async def one(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
        length = int(headers.get("content-length", 0))
        assert length <= MOST_BYTES
        body = json.loads(await reader.readexactly(length))
        self.bodies.append(body)
        self.headers.append(headers)
        self.paths.append(first.split()[1])
        key = json.dumps(body, sort_keys=True)
        fault, self.seen[key] = self.fault(body, self.seen[key]), self.seen[key] + 1
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        try:
            await asyncio.sleep(self.latency)
            return await self.say(writer, body, fault)
        finally:
            self.open -= 1

    async def say(self, writer, body, fault):
        if fault == "stall":
            await asyncio.sleep(3600)
        if fault == "cut":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")
            await writer.drain()
            return False
        status, content, more = 200, b"", ""
        if fault == "429":
            status, more = 429, "Retry-After: 0.05\r\n"
        elif fault == "redirect":
            status, more = 307, "Location: http://127.0.0.1:9/v1/elsewhere\r\n"
        elif fault in ("500", "401", "400"):
            status = int(fault)
        elif fault == "not_json":
            content = b'{"choices": ['
        elif fault == "no_field":
            content = b'{"id": "x"}'
        elif fault == "wrong_type":
            content = json.dumps(completion(17)).encode()
        else:
            made = self.answer(body)
            status, made = made if isinstance(made, tuple) else (200, made)
            content = json.dumps(made).encode()
        if status >= 300 and not content:
            content = json.dumps(
                {"error": {"message": f"no: {body}", "code": f"code_{status}"}}
            ).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{more}Content-Length: {len(content)}\r\n\r\n"
        writer.write(head.encode() + content)
        await writer.drain()
        return True


@contextmanager
def running(server: Server):
    """Serve in a thread for the length of a block."""
    started, loop = threading.Event(), asyncio.new_event_loop()

    async def main():
        server.stop = asyncio.Event()
        listening = await asyncio.start_server(
            server.serve, "127.0.0.1", server.port, limit=MOST_BYTES
        )
        server.port = listening.sockets[0].getsockname()[1]
        started.set()
        await server.stop.wait()
        listening.close()
        await asyncio.sleep(0.05)  # whoever is let in at this moment gets a task to cancel
        others: Iterable[asyncio.Task] = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0.01)  # closed transports let go of their sockets

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    assert started.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(server.stop.set)
        thread.join(10)
        loop.close()
