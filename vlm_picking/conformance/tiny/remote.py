"""A tiny server on loopback in the place of a checkpoint: it speaks as the chat API does, and makes its answers up."""

import json
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import log
from pathlib import Path


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seed = 0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        answer = json.dumps(_completion(json.loads(body), zlib.crc32(body, self.seed))).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Nobody reads its log."""


def build(directory: Path, *, seed: int = 0) -> str:
    """Start the server, which stays while this process lives; what to call its model. Nothing is written."""
    handler = type("Handler", (_Handler,), {"seed": seed})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"remote:tiny@http://127.0.0.1:{server.server_port}/v1"


def _completion(request: dict, chance: int) -> dict:
    """A chat completion; the same request always gives the same."""
    parts = request["messages"][-1]["content"]
    asked = " ".join(part["text"] for part in parts if part["type"] == "text")
    if "bbox_2d" in asked:
        x, y = chance % 500, chance // 500 % 500
        text = json.dumps([{"bbox_2d": [x, y, x + 300, y + 400], "label": "thing"}])
    elif "yes or no" in asked:
        text = "Yes" if chance % 2 else "No"
    else:
        text = f"There are {chance % 10} things."
    likely = 0.5 + chance % 1000 / 2001
    token = {"token": text, "logprob": log(likely), "bytes": None}
    other = {"token": "No" if text == "Yes" else "Yes", "logprob": log((1 - likely) * 0.9), "bytes": None}
    logprobs = {"content": [{**token, "top_logprobs": [token, other]}]} if request.get("logprobs") else None
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": "stop",
        "logprobs": logprobs,
    }
    return {"id": "1", "object": "chat.completion", "created": 0, "model": "tiny", "choices": [choice]}


TINY = {"remote": build}
