"""Talking to a server with OpenAI's chat API: patient with its faults, but never longer than was agreed."""

import asyncio
import email.utils
import json
import math
import random
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vlm_picking.errors import ModelError
from vlm_picking.models.remote_address import KEY_VARIABLE, RemoteAddress
from vlm_picking.models.replies.completion import Completion, read_completion

_TRIES = 5
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 8.0
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, 529})  # HTTP faults that may be over the next time
_ALTERNATIVES = (20, 5)  # how many most servers give, and some
_TOKENS_OF_OLD, _TOKENS_OF_NEW = "max_tokens", "max_completion_tokens"


@dataclass(frozen=True)
class Question:
    """What is asked of a server.

    Args:
        content: the parts of the user's message.
        max_tokens: where the answer is stopped.
        probabilities: "none", of the "tokens" that it is written with, or of their "alternatives" too.
    """

    content: Sequence[Mapping[str, object]]
    max_tokens: int
    probabilities: str = "none"


class ChatClient:
    """Asks a server; safe to be used by several threads.

    Args:
        address: the server.
        key: for it.
        rng: spreads the pauses before trying again.
    """

    def __init__(self, address: RemoteAddress, *, key: str | None = None, rng: random.Random | None = None) -> None:
        import openai

        self._address = address
        self._key = key
        self._rng = rng or random.Random()
        timeout = openai.Timeout(address.timeout_s, connect=address.connect_timeout_s)
        self._headers = {} if key else {"Authorization": openai.Omit()}
        self._client = openai.AsyncOpenAI(
            base_url=address.url,
            api_key=key or "none",
            # What the environment holds for OpenAI's own servers is not for this one.
            default_headers={"OpenAI-Organization": openai.Omit(), "OpenAI-Project": openai.Omit()},
            http_client=openai.DefaultAsyncHttpxClient(follow_redirects=False, timeout=timeout),
            timeout=timeout,
            max_retries=0,
        )
        self._slots = asyncio.Semaphore(address.concurrency)
        self._alternatives = _ALTERNATIVES[0]
        self._gives_probabilities = True
        self._takes_temperature = True
        self._tokens_field = _TOKENS_OF_OLD
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=_serve, args=(self._loop,), name="vlm_picking remote model", daemon=True).start()
        weakref.finalize(self, _shut, self._loop, self._client)

    def ask(self, questions: Sequence[Question]) -> list[Completion]:
        """A reply to each question, asked side by side; all of it takes `timeout_s` at most.

        Raises:
            ModelError: the server is not there, too slow, or refuses, and what to do.
            ReplyError: what it sent can't be read.
        """
        future = asyncio.run_coroutine_threadsafe(self._ask_all(questions), self._loop)
        try:
            return future.result()
        finally:
            future.cancel()

    async def _ask_all(self, questions: Sequence[Question]) -> list[Completion]:
        until_s = self._loop.time() + self._address.timeout_s
        troubles: list[str] = []
        tasks = [asyncio.ensure_future(self._ask(question, until_s, troubles)) for question in questions]
        try:
            return await asyncio.wait_for(asyncio.gather(*tasks), self._address.timeout_s)
        except asyncio.TimeoutError:
            last = f"; before that: {troubles[-1]}" if troubles else ""
            raise ModelError(
                f"{self._address.place} gave no answer within timeout_s={self._address.timeout_s:g}{last}"
            ) from None
        finally:
            for task in tasks:
                task.cancel()

    async def _ask(self, question: Question, until_s: float, troubles: list[str]) -> Completion:
        import openai

        tries = 0
        while True:
            body = self._body(question)
            try:
                async with self._slots:
                    answer = await self._client.chat.completions.with_raw_response.create(
                        **body, extra_headers=self._headers
                    )
                return read_completion(self._without_key(answer.text))
            # The library's errors hold the request with its key: they are not chained to ours.
            except openai.APIStatusError as error:
                status, words = error.status_code, self._words(error.response.text)
                if status in (400, 422) and self._learns(words, body, question):
                    continue
                if status not in _PASSING:
                    raise await self._refusal(status, words, error.response.headers) from None
                trouble = f"{self._address.place} answered {status} {words}".strip()
                pause_s = _asked_pause_s(error.response.headers)
            except openai.APIConnectionError as error:
                why = type(error.__cause__ or error).__name__
                trouble = f"{self._address.place} can't be reached or broke off ({why})"
                pause_s = None
            troubles.append(trouble)
            tries += 1
            if tries == _TRIES:
                raise ModelError(f"{trouble}, {tries} times; is it running, and is the address right?")
            if pause_s is None:
                pause_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** (tries - 1)) * self._rng.uniform(0.75, 1.25)
            if self._loop.time() + pause_s >= until_s:
                raise ModelError(
                    f"{trouble}; the next try would be in {pause_s:.1f} s, beyond timeout_s={self._address.timeout_s:g}"
                )
            await asyncio.sleep(pause_s)

    def _body(self, question: Question) -> dict[str, object]:
        """The request, without what the server was found not to take."""
        body: dict[str, object] = {
            "model": self._address.model,
            "messages": [{"role": "user", "content": list(question.content)}],
            self._tokens_field: question.max_tokens,
        }
        if self._takes_temperature:
            body["temperature"] = 0
        if question.probabilities != "none" and self._gives_probabilities:
            body["logprobs"] = True
            if question.probabilities == "alternatives" and self._alternatives:
                body["top_logprobs"] = self._alternatives
        return body

    def _learns(self, words: str, body: Mapping[str, object], question: Question) -> bool:
        """Whether the server refused only how it was asked, and it will be asked in another way from now on."""
        if self._body(question).keys() ^ body.keys() or self._body(question).get("top_logprobs") != body.get(
            "top_logprobs"
        ):
            return True  # another question has learnt it meanwhile
        if "logprobs" in words and "logprobs" in body:
            fewer = [number for number in _ALTERNATIVES if number < body.get("top_logprobs", 0)]
            self._alternatives = fewer[0] if fewer else 0
            self._gives_probabilities = self._alternatives > 0
            return True
        if _TOKENS_OF_NEW in words and "too large" not in words and self._tokens_field == _TOKENS_OF_OLD:
            self._tokens_field = _TOKENS_OF_NEW
            return True
        if "temperature" in words and self._takes_temperature:
            self._takes_temperature = False
            return True
        return False

    async def _refusal(self, status: int, words: str, headers: Mapping[str, str]) -> ModelError:
        place = self._address.place
        if status in (401, 403):
            what = "refuses the key" if self._key else "wants a key"
            return ModelError(f"{place} {what} ({status}): set {KEY_VARIABLE} in the environment of this program")
        if 300 <= status < 400:
            return ModelError(f"{place} sends elsewhere ({status}), which is not followed: give its new address")
        if status == 404:
            return ModelError(f"{place} knows no model {self._address.model!r} (404 {words}); {await self._served()}")
        if status == 413:
            return ModelError(f"{place} finds the pictures too large (413): set a smaller max_side_px")
        return ModelError(f"{place} refuses the question ({status}): {words}")

    async def _served(self) -> str:
        """What the server has instead of a model that it does not know."""
        import openai

        try:
            answer = await self._client.models.with_raw_response.list(extra_headers=self._headers)
            names = [item["id"] for item in json.loads(answer.text)["data"]]
        except (openai.OpenAIError, ValueError, LookupError, TypeError):
            return "check its name, and whether the URL should end in /v1"
        return f"it serves: {', '.join(map(repr, names[:10])) or 'none'}"

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text

    def _words(self, text: str) -> str:
        """What the server says of its refusal, in one line."""
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):
            said = text
        for key in ("error", "message", "detail"):
            if isinstance(said, dict) and key in said:
                said = said[key]
        return self._without_key(" ".join(str(said).split()))[:300]


def _asked_pause_s(headers: Mapping[str, str]) -> float | None:
    """How long the server asks to wait, in seconds or until a date; None where it does not say."""
    asked = headers.get("retry-after", "")
    try:
        pause_s = float(asked)
    except ValueError:
        try:
            pause_s = email.utils.parsedate_to_datetime(asked).timestamp() - time.time()
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    return max(0.0, pause_s) if math.isfinite(pause_s) else None


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    """Runs the loop until it is stopped, and gives its sockets back."""
    try:
        loop.run_forever()
    finally:
        loop.close()


def _shut(loop: asyncio.AbstractEventLoop, client: object) -> None:
    asyncio.run_coroutine_threadsafe(client.close(), loop).add_done_callback(
        lambda _: loop.call_soon_threadsafe(loop.stop)
    )
