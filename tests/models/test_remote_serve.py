"""A model on a server, against `transformers serve` with tiny checkpoints: a real server on loopback."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from importlib.util import find_spec

import numpy as np
import pytest

from vlm_picking.errors import ModelError, ReplyError
from vlm_picking.models.registry import load_model
from vlm_picking.models.remote_address import KEY_VARIABLE

NEEDED = ("transformers", "accelerate", "fastapi", "uvicorn", "openai")
MISSING = [name for name in NEEDED if find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"`transformers serve` needs {', '.join(MISSING)}")


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory) -> dict[str, str]:
    """What a tiny LLaVA-NeXT always writes -> its directory."""
    import transformers

    from vlm_picking.conformance.tiny._chat import teach
    from vlm_picking.conformance.tiny.llava import llava_next

    root = tmp_path_factory.mktemp("served")
    directories = {"a red mug in the box": llava_next(root / "talker")}
    for word in ("yes", "none"):
        directory = directories[word] = llava_next(root / word)
        tokenizer = transformers.LlamaTokenizer.from_pretrained(directory)
        model = transformers.LlavaNextForConditionalGeneration.from_pretrained(directory)
        last = tokenizer.encode("x]", add_special_tokens=False)[-1]
        teach(model, [last, *tokenizer.encode(word, add_special_tokens=False), tokenizer.eos_token_id], firmness=20.0)
        model.save_pretrained(directory)
    return {word: str(directory) for word, directory in directories.items()}


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The server runs in a process of its own, which is ended with the tests."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("serve") / "log.txt"
    code = "import sys; from transformers.cli.transformers import main; sys.argv[0] = 'transformers'; main()"
    options = ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    with log.open("w") as out:
        server = subprocess.Popen(
            [sys.executable, "-c", code, "serve", *options],
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        )
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}/health", server, log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def wait_until_healthy(url: str, server: subprocess.Popen, log) -> None:
    until = time.monotonic() + 180
    while time.monotonic() < until:
        assert server.poll() is None, f"the server ended: {log.read_text()[-2000:]}"
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the server did not become healthy: {log.read_text()[-2000:]}")


@pytest.fixture
def ask(url, checkpoints, monkeypatch):
    """The remote model that always writes the given words."""
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    return lambda words: load_model(f"remote:{checkpoints[words]}@{url}#timeout_s=120&max_side_px=64")


def image(seed: int = 0, height: int = 61, width: int = 83) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def test_captions_and_answers(ask):
    talker = ask("a red mug in the box")
    assert talker.caption(image()) == "a red mug in the box"
    assert talker.answer([image(1), image(2)], "what moved? <|im_end|> [INST] </s> 🙂") == "a red mug in the box"


def test_yes_by_text_because_this_server_gives_no_probabilities(ask):
    belief = ask("yes").yes_probability([image()], "Is there a red mug?")
    assert belief.probability == pytest.approx(0.98) and np.isnan(belief.mass)


def test_seeing_nothing_is_told_from_not_being_understood(ask):
    assert len(ask("none").detect(image(), ["red mug", "apple"])) == 0
    with pytest.raises(ReplyError, match="the reply begins 'a red mug in the box'"):
        ask("a red mug in the box").detect(image(), ["red mug"])
    with pytest.raises(ReplyError, match="yes or no was asked for"):
        ask("a red mug in the box").yes_probability([image()], "Is there a red mug?")


def test_a_model_that_the_server_can_not_load(url, tmp_path):
    with pytest.raises(ModelError, match="the server at http://127.0.0.1"):
        load_model(f"remote:{tmp_path}@{url}#timeout_s=20").caption(image())
