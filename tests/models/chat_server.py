"""A chat server on loopback that does what a test's script says, one step a request."""

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, kw_only=True)
class Step:
    """How a request is answered: after `wait` is set; where it is to be `cut`, with half of the body and a hang-up."""

    status: int = 200
    body: object = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    wait: threading.Event | None = None


def says(text: str | None, *, logprobs: object = None, finish_reason: str = "stop", **message: object) -> Step:
    """A completion."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text, **message},
        "finish_reason": finish_reason,
        "logprobs": logprobs,
    }
    return Step(body={"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]})


def token(text: str, logprob: object, **alternatives: float) -> dict:
    """A token of `logprobs.content`; `alternatives` is token -> logarithm of its probability."""
    others = [{"token": other, "logprob": value, "bytes": None} for other, value in alternatives.items()]
    return {"token": text, "logprob": logprob, "bytes": None, "top_logprobs": others}


class ScriptedServer:
    """Answers POST /v1/chat/completions; the last step of its script is repeated.

    Args:
        url: where it is.
        requests: the bodies that came, in order.
        headers: and their headers, names in lower case.
        most_at_once: how many requests were ever under way together.
        served: what GET /v1/models lists; None: it fails.
    """

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_port}/v1"
        self.requests: list[dict] = []
        self.headers: list[dict[str, str]] = []
        self.served: list[str] | None = None
        self.most_at_once = 0
        self._at_once = 0
        self._steps: list[Step | Callable[[dict], Step]] = []
        self._lock = threading.Lock()

    def script(self, *steps: Step | Callable[[dict], Step]) -> None:
        """Answer with `steps` from now on; one that can be called makes its step from the request's body."""
        self._steps = list(steps)

    def texts(self, index: int = -1) -> list[str]:
        """The parts of text in a request's message."""
        return [part["text"] for part in self.parts(index) if part["type"] == "text"]

    def parts(self, index: int = -1) -> list[dict]:
        (message,) = self.requests[index]["messages"]
        assert message["role"] == "user"
        return message["content"]

    def receive(self, body: dict, headers: Mapping[str, str]) -> Step:
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            self.requests.append(body)
            self.headers.append({name.lower(): value for name, value in headers.items()})
            step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
        return step(body) if callable(step) else step

    def done(self) -> None:
        with self._lock:
            self._at_once -= 1


@contextmanager
def scripted_server():
    """A ScriptedServer that runs inside the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            assert self.path == "/v1/chat/completions"
            try:
                self.answer(script.receive(body, self.headers))
            finally:
                script.done()

        def do_GET(self) -> None:
            if script.served is None:
                return self.answer(Step(status=500, body="no list"))
            self.answer(Step(body={"object": "list", "data": [{"id": name} for name in script.served]}))

        def answer(self, step: Step) -> None:
            if step.wait is not None:
                step.wait.wait(10)
            text = step.body if isinstance(step.body, str) else json.dumps(step.body)
            data = text.encode()
            try:
                self.send_response(step.status)
                for name, value in {"content-type": "application/json", **step.headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data[: len(data) // 2] if step.cut else data)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # whoever asked has given up
            if step.cut:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    script = ScriptedServer(server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
