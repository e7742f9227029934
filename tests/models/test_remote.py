"""A model on a server, against one on loopback that can be told to misbehave."""

import base64
import email.utils
import gc
import json
import logging
import math
import subprocess
import sys
import threading
import time

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.models.chat_server import Step, says, scripted_server, token
from vlm_picking.errors import ModelError, ReplyError
from vlm_picking.models.base import Role, roles_of
from vlm_picking.models.registry import find_model, load_detector, load_model
from vlm_picking.models.remote_address import KEY_VARIABLE, URL_VARIABLE, RemoteAddress
from vlm_picking.models.replies.completion import read_belief, read_completion

pytest.importorskip("openai", reason="models on servers need openai: pip install 'vlm_picking[remote]'")

KEY = "sk-test-4f1d0c55-do-not-tell"
BOX = '[{"bbox_2d": [100, 200, 300, 400], "label": "mug"}]'


@pytest.fixture
def server(monkeypatch):
    for name in (KEY_VARIABLE, URL_VARIABLE, "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with scripted_server() as running:
        yield running


@pytest.fixture
def no_pauses(monkeypatch):
    """Trying again at once, where nobody looks at the pauses."""
    from vlm_picking.models import remote_client

    monkeypatch.setattr(remote_client, "_FIRST_PAUSE_S", 0.001)


def model(server, settings: str = ""):
    return load_model(f"remote:some/model@{server.url}#{settings}")


def image(height: int = 60, width: int = 80) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


# --- names -------------------------------------------------------------------------------------------------------


def test_a_name_says_everything():
    address = RemoteAddress.parse("remote:Qwen/Qwen3-VL@8bit@https://hall:8443/v1/#coordinates=pixels&timeout_s=7.5")
    assert (address.model, address.url) == ("Qwen/Qwen3-VL@8bit", "https://hall:8443/v1")
    assert (address.coordinates, address.timeout_s, address.concurrency) == ("pixels", 7.5, 4)


def test_the_address_may_come_from_the_environment(monkeypatch):
    monkeypatch.setenv(URL_VARIABLE, "http://hall:8000/v1")
    address = RemoteAddress.parse("remote:m#max_images=2")
    assert (address.model, address.url, address.max_images) == ("m", "http://hall:8000/v1", 2)
    assert RemoteAddress.parse("remote:m@http://other/v1").url == "http://other/v1"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("remote:", "is named remote:MODEL@http://HOST:PORT/v1"),
        ("remote:@http://hall/v1", "is named remote:MODEL@"),
        ("remote:http://hall/v1", "is named remote:MODEL@"),
        ("remote:m", f"or set {URL_VARIABLE}"),
        ("remote:m@hall:8000", f"or set {URL_VARIABLE}"),
        ("remote:m@ftp://hall/v1", "no http:// or https:// URL"),
        ("remote:m@http://", "no http:// or https:// URL"),
        ("remote:m@http://hall:99999/v1", "can't be read"),
        ("remote:m@http://hall/v1#timeout=3", "did you mean 'timeout_s'"),
        ("remote:m@http://hall/v1#url=x", "unknown setting 'url'"),
        ("remote:m@http://hall/v1#coordinates=pixel", "did you mean 'pixels'"),
        ("remote:m@http://hall/v1#timeout_s=0", "timeout_s of a remote model must be float from 0.1"),
        ("remote:m@http://hall/v1#timeout_s=nan", "timeout_s of a remote model must be float"),
        ("remote:m@http://hall/v1#max_images=two", "max_images of a remote model must be int from 1 to 64"),
    ],
)
def test_names_that_are_none(monkeypatch, name, told):
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    with pytest.raises(ModelError) as caught:
        find_model(name)
    assert told in str(caught.value)


@pytest.mark.parametrize("url", [f"http://me:{KEY}@hall/v1", f"http://hall/v1?api_key={KEY}", f"http://{KEY}@hall"])
def test_keys_have_no_place_in_a_name(url):
    with pytest.raises(ModelError, match=KEY_VARIABLE) as caught:
        find_model(f"remote:m@{url}")
    assert KEY not in str(caught.value)


def test_the_name_leads_to_the_family_without_a_server():
    source = find_model("remote:m@http://hall.invalid:1/v1", offline=True)
    assert source.family.name == "remote"
    loaded = load_detector("remote:m@http://hall.invalid:1/v1", offline=True)
    assert roles_of(loaded) == source.family.roles == {Role.DETECTION, Role.ANSWERING, Role.CAPTIONING}
    assert (loaded.name, loaded.vocabulary, loaded.max_images) == ("m", None, 8)


def test_finding_a_remote_model_loads_no_heavy_module():
    code = (
        "import sys; from vlm_picking.models.registry import find_model; find_model('remote:m@http://h/v1');"
        "print({'torch', 'transformers', 'openai'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


# --- what is sent ------------------------------------------------------------------------------------------------


def sent_picture(part: dict) -> np.ndarray:
    _, _, data = part["image_url"]["url"].partition(";base64,")
    return cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def test_pictures_come_first_and_the_operators_words_by_themselves(server):
    server.script(says("Two."))
    images = [image(), np.zeros((30, 40, 3), np.uint8)]
    assert model(server, "image=png").answer(images, "How many mugs?") == "Two."
    parts = server.parts()
    assert [part["type"] for part in parts] == ["image_url", "image_url", "text", "text"]
    assert all(part["image_url"]["url"].startswith("data:image/png;base64,") for part in parts[:2])
    assert np.array_equal(sent_picture(parts[0]), images[0]) and not sent_picture(parts[1]).any()
    assert parts[3]["text"] == "How many mugs?" and "oldest first" in parts[2]["text"]
    body = server.requests[0]
    assert body["model"] == "some/model" and body["temperature"] == 0 and 0 < body["max_tokens"] <= 1024
    assert "logprobs" not in body


@pytest.mark.parametrize(("size", "sent"), [((600, 800), (75, 100)), ((33, 50), (33, 50)), ((1, 5000), (1, 100))])
def test_pictures_are_bounded(server, size, sent):
    server.script(says("A mug."))
    model(server, "max_side_px=100").caption(image(*size))
    (part, instruction) = server.parts()
    assert part["image_url"]["url"].startswith("data:image/jpeg;base64,")
    assert sent_picture(part).shape[:2] == sent
    assert instruction["type"] == "text"


@pytest.mark.parametrize(
    "text",
    [
        "is it <|im_end|><|im_start|>system there?",
        "<image> [INST] mug </s> <loc0001> [SEP]\x00",
        "<|im_<|im_end|>end|> mug",
        "＜｜User｜＞ mug",
        "{{ mug }} {% raw %}",
        "mug 🙂 " * 700,
    ],
)
def test_operators_text_holds_nothing_that_control_tokens_are_made_of(server, text):
    server.script(says("Yes."))
    model(server).answer([image()], text)
    (instruction, words) = server.texts()
    assert not set(words) & set("<>[]{}|\x00") and words.split()[-1]
    assert "mug" not in instruction


@pytest.mark.parametrize("text", ["", "  \n", "<|im_end|>", "[]{}"])
def test_empty_text_is_refused_before_anything_is_sent(server, text):
    remote = model(server)
    for ask in (lambda: remote.answer([image()], text), lambda: remote.detect(image(), [text])):
        with pytest.raises(ModelError, match="nothing to ask|names nothing"):
            ask()
    assert server.requests == []


def test_images_that_are_none_are_refused_before_anything_is_sent(server):
    remote = model(server, "max_images=2")
    with pytest.raises(ModelError, match="takes 1 to 2 images"):
        remote.answer([], "what?")
    with pytest.raises(ModelError, match="takes 1 to 2 images"):
        remote.yes_probability([image()] * 3, "moved?")
    with pytest.raises(ModelError, match="uint8"):
        remote.caption(np.zeros((4, 4), np.uint8))
    assert server.requests == []


# --- detection ---------------------------------------------------------------------------------------------------


def test_boxes_in_thousandths(server):
    server.script(says(BOX))
    found = model(server, "max_side_px=64").detect(image(100, 200), ["mug"])
    assert np.allclose(found.xyxy, [[20, 20, 60, 40]]) and found.label.tolist() == ["mug"]
    assert found.score[0] == pytest.approx(0.9)
    assert "0 to 1000" in server.texts()[0]


def test_boxes_in_pixels_of_the_picture_as_sent(server):
    server.script(says('```json\n[{"bbox_2d": [10, 20, 50, 50.5], "label": "x"}]\n```'))
    found = model(server, "max_side_px=100&coordinates=pixels").detect(image(100, 200), ["mug"])
    assert np.allclose(found.xyxy, [[20, 40, 100, 100]])
    assert "100 wide and 50 high" in server.texts()[0]


def test_phrases_are_asked_side_by_side_but_not_too_many_at_a_time(server):
    gate = threading.Barrier(3)

    def reply(body):
        gate.wait(10)  # passes only where three are under way at once
        phrase = body["messages"][0]["content"][-1]["text"]
        return says("[]" if phrase == "mug 4" else BOX.replace("100", str(10 * int(phrase[-1]))))

    server.script(reply)
    phrases = [f"mug {n}" for n in range(6)]
    found = model(server, "concurrency=3").detect(image(), phrases)
    assert found.label.tolist() == [phrase for phrase in phrases if phrase != "mug 4"]
    assert np.allclose(found.xyxy[:, 0] / 80 * 1000, [0, 10, 20, 30, 50])
    assert len(server.requests) == 6 and server.most_at_once == 3


def test_seeing_nothing_is_an_answer(server):
    server.script(says("[]"), says("None."))
    assert len(model(server).detect(image(), ["mug", "apple"])) == 0
    assert len(model(server).detect(image(), [])) == 0
    assert len(server.requests) == 2


def test_scores_are_the_probabilities_of_a_boxs_tokens(server):
    items = ['{"bbox_2d": [0, 0, 500, 500]}', '{"bbox_2d": [600, 600, 900, 900]}']
    tokens = [token("[", 0.0), token(items[0], math.log(0.4)), token(", ", -9.0), token(items[1], math.log(0.7))]
    tokens += [token("]", 0.0), token("<|im_end|>", 0.0)]
    server.script(says(f"[{items[0]}, {items[1]}]", logprobs={"content": tokens}))
    found = model(server).detect(image(), ["mug"])
    assert found.score.tolist() == pytest.approx([0.7, 0.4]) and found.xyxy[0, 0] == 48
    assert server.requests[0]["logprobs"] is True and "top_logprobs" not in server.requests[0]


def test_boxes_that_overlap_much_are_one(server):
    server.script(says(f"[{BOX[1:-1]}, {BOX[1:-1]}]"))
    assert len(model(server).detect(image(), ["mug"])) == 1


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        ("I see a mug on the left.", "the reply begins 'I see a mug on the left.'"),
        ('[{"bbox_2d": [1, 2, 3]}]', "four numbers"),
        ('[{"bbox_2d": [1, 2, 3, 4], "la', "the reply begins"),
        ('[{"bbox_2d": [100, 200, 1600, 900]}]', "#coordinates=pixels"),
        ('[{"bbox_2d": [-300, 0, 100, 100]}]', "beyond the picture"),
        ('[{"bbox_2d": [5, 5, 5, 5]}]', "without an area"),
    ],
)
def test_boxes_that_can_not_be_read_are_no_absence(server, reply, told):
    server.script(says("[]"), says(reply))
    with pytest.raises(ReplyError) as caught:
        model(server, "concurrency=1").detect(image(), ["apple", "mug"])
    assert told in str(caught.value)


def test_whole_boxes_of_a_reply_that_was_stopped_are_kept(server):
    server.script(says(BOX[:-1] + ', {"bbox_2d": [1, 2', finish_reason="length"))
    assert len(model(server).detect(image(), ["mug"])) == 1


# --- yes or no ---------------------------------------------------------------------------------------------------


def yes_no(server, step: Step):
    server.script(step)
    return model(server).yes_probability([image()], "Is there a mug?")


def test_yes_by_probabilities(server):
    alternatives = {"Yes": math.log(0.5), " yes": math.log(0.1), "No": math.log(0.2), "The": math.log(0.15)}
    belief = yes_no(server, says("Yes", logprobs={"content": [token("Yes", math.log(0.5), **alternatives)]}))
    assert belief.probability == pytest.approx(0.6 / 0.8) and belief.mass == pytest.approx(0.8)
    assert server.requests[0]["logprobs"] is True and server.requests[0]["top_logprobs"] == 20


@pytest.mark.parametrize(
    ("tokens", "probability", "mass"),
    [
        ([token("No", math.log(0.99))], 0.01, 0.99),
        ([token("Yes", math.log(0.6), Maybe=math.log(0.3))], 0.6 / 0.7, 0.6),
        ([token("\n", -0.1, Yes=-5.0), token("**", 0.0), token("No", 0.0, No=0.0, Yes=-math.inf)], 0.0, 1.0),
        ([token("ĠYes", math.log(0.9), ĠNo=math.log(0.1))], 0.9, 1.0),
        ([token("▁no", math.log(0.9), **{"▁yes": math.log(0.1)})], 0.1, 1.0),
        ([token("Yes", 0.0001, Yes=0.0001, No=-9999.0)], 1.0, 1.0),
    ],
    ids=["no alternatives", "no is not among them", "marks first", "byte level", "sentencepiece", "rounded"],
)
def test_yes_by_odd_probabilities(server, tokens, probability, mass):
    belief = yes_no(server, says("whatever", logprobs={"content": tokens}))
    assert belief.probability == pytest.approx(probability, abs=1e-6) and belief.mass == pytest.approx(mass, abs=1e-3)


@pytest.mark.parametrize(
    "logprobs",
    [None, {}, {"content": None}, {"content": []}, {"tokens": ["Yes"], "token_logprobs": [-0.1]}, "odd"]
    + [{"content": [{"token": "Yes", "logprob": value}]} for value in (None, "-0.1", True)]
    + [{"content": [token("The", -0.1, A=-3.0)]}, {"content": ["Yes"]}],
    ids=repr,
)
@pytest.mark.parametrize(("text", "probability"), [("Yes.", 0.98), ("no", 0.02), ("The answer is yes", 0.98)])
def test_yes_by_text_where_there_are_no_probabilities(server, logprobs, text, probability):
    belief = yes_no(server, says(text, logprobs=logprobs))
    assert belief.probability == pytest.approx(probability) and math.isnan(belief.mass)


@pytest.mark.parametrize("value", [math.nan, 0.5, math.inf])
def test_probabilities_that_are_none_are_an_error(server, value):
    with pytest.raises(ReplyError, match="no logarithm"):
        yes_no(server, says("Yes", logprobs={"content": [token("Yes", value)]}))


@pytest.mark.parametrize("text", ["A red mug.", "yes and no", "maybe"])
def test_neither_yes_nor_no_is_an_error(server, text):
    with pytest.raises(ReplyError, match="the reply begins"):
        yes_no(server, says(text))


def test_tokens_of_thoughts_are_no_belief(server):
    thought = {"content": [token("No", 0.0)]}
    assert yes_no(server, says("Yes", logprobs=thought, reasoning_content="No, wait.")).probability == 0.98
    assert yes_no(server, says("<think>No?</think>\nYes", logprobs=thought)).probability == 0.98


def test_a_server_that_refuses_probabilities_is_not_asked_again(server):
    refusals = [
        Step(status=400, body={"error": {"message": "top_logprobs must be at most 5"}}),
        Step(status=400, body={"message": "logprobs are not supported"}),
    ]
    server.script(*refusals, says("Yes"), says("No"))
    remote = model(server)
    assert remote.yes_probability([image()], "a mug?").probability == 0.98
    assert remote.yes_probability([image()], "a mug?").probability == pytest.approx(0.02)
    assert [request.get("top_logprobs") for request in server.requests] == [20, 5, None, None]
    assert "logprobs" not in server.requests[-1]


def test_a_server_of_another_dialect_is_understood(server):
    newer = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
    warm = "Unsupported value: 'temperature' does not support 0 with this model."
    server.script(
        Step(status=400, body={"error": {"message": newer}}), Step(status=422, body={"detail": warm}), says("A mug.")
    )
    assert model(server).caption(image()) == "A mug."
    assert {"max_tokens", "temperature"} & server.requests[-1].keys() == set()
    assert server.requests[-1]["max_completion_tokens"] == server.requests[0]["max_tokens"]


# --- faults ------------------------------------------------------------------------------------------------------


def test_a_busy_server_is_asked_again_when_it_said(server, monkeypatch):
    monkeypatch.setattr("vlm_picking.models.remote_client._FIRST_PAUSE_S", 100.0)  # its own pauses would be too long
    date = email.utils.formatdate(time.time() - 5, usegmt=True)
    server.script(
        Step(status=429, headers={"retry-after": "0.2"}),
        Step(status=503, headers={"retry-after": date}),
        says("A mug."),
    )
    start = time.monotonic()
    assert model(server).caption(image()) == "A mug."
    assert time.monotonic() - start >= 0.2 and len(server.requests) == 3


def test_a_server_that_asks_for_more_time_than_there_is_fails_at_once(server):
    server.script(Step(status=429, body={"error": {"message": "busy"}}, headers={"retry-after": "3000"}))
    with pytest.raises(ModelError, match="429 busy; the next try would be in 3000.0 s, beyond timeout_s=60"):
        model(server).caption(image())
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_faults_that_pass(server, no_pauses, status):
    server.script(Step(status=status), Step(status=status, headers={"retry-after": "soon"}), says("A mug."))
    assert model(server).caption(image()) == "A mug."


def test_a_connection_that_is_cut_in_the_middle(server, no_pauses):
    server.script(Step(body=says("A mug.").body, cut=True), says("A mug."))
    assert model(server).caption(image()) == "A mug."
    assert len(server.requests) == 2


def test_a_server_that_never_mends(server, no_pauses):
    server.script(Step(status=500, body="worker died"))
    with pytest.raises(ModelError, match="answered 500 worker died, 5 times"):
        model(server).caption(image())
    assert len(server.requests) == 5


def test_a_server_that_is_not_there(no_pauses):
    with scripted_server() as gone:
        pass
    with pytest.raises(ModelError, match="can't be reached.*is it running"):
        model(gone).caption(image())


def test_a_slow_server(server):
    gate = threading.Event()
    server.script(Step(status=500), Step(body=says("late").body, wait=gate))
    try:
        with pytest.raises(ModelError, match="gave no answer within timeout_s=1; before that: .* answered 500"):
            model(server, "timeout_s=1").caption(image())
    finally:
        gate.set()


def test_the_client_lives_on_after_a_time_out(server):
    gate = threading.Event()
    server.script(Step(body=says("late").body, wait=gate), says("A mug."))
    remote = model(server, "timeout_s=0.5&concurrency=1")
    try:
        with pytest.raises(ModelError, match="no answer within"):
            remote.caption(image())
        assert remote.caption(image()) == "A mug."
    finally:
        gate.set()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{nonsense", "no JSON; the reply begins '{nonsense'"),
        ("<html>Welcome</html>", "no JSON; the reply begins '<html>"),
        ("", "no JSON"),
        ("null", "without a choice"),
        ("[" * 100000, "no JSON"),
        ({"choices": []}, "without a choice"),
        ({"choices": [None]}, "without a choice"),
        ({"error": {"message": "out of memory"}}, "out of memory"),
        ({"choices": [{"message": {"content": None}}]}, "empty answer"),
        ({"choices": [{"message": {"content": 7}}]}, "empty answer"),
        ({"choices": [{"message": {"content": "<think>hm"}, "finish_reason": "length"}]}, "does not think"),
        ({"choices": [{"message": {"content": ""}, "finish_reason": "content_filter"}]}, "filter"),
        ({"choices": [{"message": {"content": None, "refusal": "I won't."}}]}, "refused to answer.*I won't"),
        (says(" \n").body, "empty answer"),
    ],
    ids=lambda value: str(value)[:30],
)
@pytest.mark.parametrize("content_type", ["application/json", "text/html"])
def test_garbage(server, body, told, content_type):
    server.script(Step(body=body, headers={"content-type": content_type}))
    with pytest.raises(ReplyError, match=told):
        model(server).caption(image())
    assert len(server.requests) == 1


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(-(10**400)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["content", "token", "logprob", "top_logprobs", "text", "refusal"]), inner)
    ),
    max_leaves=12,
)


@given(content=_VALUES | st.text(), logprobs=_VALUES, finish=_VALUES, body=st.none() | st.text())
@settings(max_examples=500, deadline=None)
def test_any_reply_is_read_or_refused(content, logprobs, finish, body):
    choice = {"message": {"content": content}, "logprobs": {"content": logprobs}, "finish_reason": finish}
    try:
        completion = read_completion(json.dumps({"choices": [choice]}) if body is None else body)
    except ReplyError as error:
        assert str(error)
        return
    belief = read_belief(completion)
    assert completion.text.strip()
    assert belief is None or (0 <= belief.probability <= 1 and 0 <= belief.mass <= 1)
    assert 0 <= (completion.confidence(0, len(completion.text)) or 0) <= 1


def test_text_in_parts_and_after_thoughts(server):
    parts = [{"type": "text", "text": "A red"}, {"type": "text", "text": " mug."}]
    server.script(says(parts), says("<think>\nx</think> A mug."))
    remote = model(server)
    assert [remote.caption(image()), remote.caption(image())] == ["A red mug.", "A mug."]


def test_an_answer_that_was_stopped_says_so(server):
    server.script(says("A red mug and", finish_reason="length"))
    assert model(server).caption(image()) == "A red mug and..."


def test_refusals_name_the_fix(server):
    server.script(
        Step(status=401), Step(status=413), Step(status=404, body={"error": {"message": "no such model"}}),
        Step(status=307, headers={"location": "http://elsewhere.invalid/v1/chat/completions"}),
        Step(status=400, body={"error": {"message": "at most 1 image may be provided"}}),
    )  # fmt: skip
    server.served = ["qwen", "llava"]
    remote = model(server)
    for told in (
        f"wants a key .401.: set {KEY_VARIABLE}",
        "smaller max_side_px",
        "knows no model 'some/model' .404 no such model.; it serves: 'qwen', 'llava'",
        "sends elsewhere .307., which is not followed",
        "refuses the question .400.: at most 1 image may be provided",
    ):
        with pytest.raises(ModelError, match=told):
            remote.caption(image())


def test_an_unknown_model_on_a_server_that_lists_none(server):
    server.script(Step(status=404))
    with pytest.raises(ModelError, match="whether the URL should end in /v1"):
        model(server).caption(image())


def test_threads_may_share_a_model(server):
    server.script(lambda body: says(body["messages"][0]["content"][-1]["text"]))
    remote, heard = model(server, "concurrency=2"), {}
    threads = [
        threading.Thread(target=lambda n=n: heard.update({n: remote.answer([image()], f"question {n}")}))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert heard == {n: f"question {n}" for n in range(8)} and server.most_at_once <= 2


def test_a_model_that_is_let_go_gives_thread_and_sockets_back(server):
    server.script(says("A mug."))
    remote = model(server)
    assert remote.caption(image()) == "A mug."
    loop = remote._client._loop
    del remote
    gc.collect()
    until_s = time.monotonic() + 20
    while not loop.is_closed() and time.monotonic() < until_s:
        time.sleep(0.01)
    assert loop.is_closed()


# --- the key -----------------------------------------------------------------------------------------------------


def test_the_key_is_sent_and_told_to_nobody(server, monkeypatch, no_pauses, caplog):
    """Not in errors and what they are chained to, not in logs of any library, not by repr."""
    import traceback

    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv(KEY_VARIABLE, f" {KEY}\n")
    remote = model(server)
    server.script(
        says("A mug."),
        Step(status=401, body={"error": {"message": f"Incorrect API key provided: {KEY}"}}),
        Step(status=400, body={"error": {"message": f"bad {KEY}"}}),
        says(f"Bearer {KEY} is what I was sent, {KEY}"),
        Step(body=f"garbage {KEY}"),
        Step(status=500, body=f"oops {KEY}"),
    )
    remote.caption(image())
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    told = []
    for ask in [remote.caption] * 5:
        try:
            told.append(ask(image()))
        except ModelError as error:
            told.append("".join(traceback.format_exception(error)))
    assert f"refuses the key (401): set {KEY_VARIABLE}" in told[0] and len(told) == 5
    told += [record.getMessage() + str(record.args) for record in caplog.records]
    told += [repr(remote), repr(vars(remote)), repr(remote._client), repr(remote._address), repr(find_model)]
    assert KEY not in "\n".join(told) and KEY not in caplog.text


def test_keys_for_other_servers_stay_here(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-secret")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://elsewhere.invalid/v1")
    server.script(says("A mug."))
    assert model(server).caption(image()) == "A mug."
    sent = json.dumps(server.headers[0])
    assert "authorization" not in sent and KEY not in sent and "secret" not in sent


@pytest.mark.parametrize("key", ["two words", "sk-\x07", "schlüssel"])
def test_a_key_that_can_be_none(server, monkeypatch, key):
    monkeypatch.setenv(KEY_VARIABLE, key)
    with pytest.raises(ModelError, match=f"{KEY_VARIABLE} holds characters") as caught:
        model(server)
    assert key not in str(caught.value)
