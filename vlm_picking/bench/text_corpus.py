"""Well-formed replies of every format that is read, and sentences of operators: what `bench text` spoils."""

import json

JSON_BOXES = (
    '[{"bbox_2d": [10, 20, 30, 40], "label": "mug"}]',
    '```json\n[\n\t{"bbox_2d": [112, 20, 330, 451], "label": "red mug"},\n\t{"bbox_2d": [5, 6, 70, 80]}\n]\n```',
    'The mug is here: {"bbox": [10.5, 2e1, 300, 400], "label": "mug", "sub_label": null}.',
    '{"bbox_2d": [1, 2, 3, 4]}\n{"bbox_2d": [5, 6, 7, 8], "label": "apple"}',
    "[]",
    "There is no red mug in the image.",
    "None",
)
POINTS = (
    '<points coords="1 1 308 305 2 752 377">mugs</points>',
    '<point alt="mug" coords="1 1 308.5 305"/>',
    'Two: <points coords="1 1 308 305;2 1 010 020">mug</points>.',
    '<points coords="1 1 1 2"></points><points coords="1 1 3 4 2 1000 000">',
    "There are none.",
)
PALIGEMMA = (
    "<loc0123><loc0456><loc0789><loc1000> red mug",
    "<loc0123><loc0456><loc0789><loc1000> mug ; <loc0001><loc0002><loc0300><loc0400> apple",
    "<loc0123><loc0456><loc0789><loc1000><seg001><seg127> mug",
    " <loc0000><loc0000><loc1023><loc1023> box ;",
    "none",
)
FLORENCE = (
    "red mug<loc_10><loc_20><loc_300><loc_400>",
    "mug<loc_1><loc_2><loc_3><loc_4><loc_5><loc_6><loc_70><loc_80>bowl<loc_0><loc_0><loc_999><loc_999>",
    "mug<poly><loc_1><loc_2><loc_30><loc_4><loc_5><loc_60></poly>",
    "<loc_1><loc_2><loc_30><loc_4><loc_5><loc_60><sep><loc_7><loc_8><loc_90><loc_1><loc_2><loc_30>",
    "<poly><loc_1><loc_2><loc_30><loc_4><loc_5><loc_60></poly><poly><loc_9><loc_9><loc_80><loc_9><loc_9><loc_80></poly>",
    "",
)
YES_NO = ("Yes", "No.", "**No**", "Yes, there is a red mug.", "The final answer is: yes", '{"answer": "no"}', " true\n")


def completion(text: object, *, tokens: tuple[str, ...] = (), finish: str = "stop", **message: object) -> str:
    """The body of a chat completion; `tokens` come with their probabilities."""
    pairs = [{"token": token, "logprob": -0.25, "bytes": None} for token in tokens]
    others = [
        {"token": "Yes", "logprob": -0.25},
        {"token": " no", "logprob": -1.5},
        {"token": "The", "logprob": -9999.0},
    ]
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text, **message},
        "finish_reason": finish,
        "logprobs": {"content": [{**pair, "top_logprobs": others} for pair in pairs]} if tokens else None,
    }
    return json.dumps({"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]})


COMPLETIONS = (
    completion("Yes", tokens=("Yes",)),
    completion("No, there is none.", tokens=(" No", ",", " there", " is", " none", ".")),
    completion(JSON_BOXES[0], tokens=("[{", '"bbox_2d": [10, 20,', " 30, 40]", ', "label": "mug"}]')),
    completion(JSON_BOXES[1][:60], finish="length"),
    completion([{"type": "text", "text": "A crate with "}, {"type": "text", "text": "six things."}]),
    completion("<think>Is it a mug?</think>\n\nYes, a mug \ud83c\udf4e."),
    completion("It is a mug.", reasoning_content="Let me look."),
    completion("", refusal="I can't help with that."),
    completion("", finish="content_filter"),
    json.dumps({"error": {"message": "overloaded", "type": "server_error", "code": 503}}),
)
# What a server may wrap; the last ones say nothing.
COMPLETION_TEXTS = (*JSON_BOXES, *YES_NO, "<think>Is it a mug?</think>No.", "<think>Is it", " \n")
SENTENCES = (
    *("is there an apple?", "Is there a small red mug in the box?", "do you see any packaging?", "red mug, apple"),
    *("where is the blue screwdriver?", "where's the mug that is left of the can?", "find the mug and pick it up"),
    *("how many mugs are there?", "how many red or green apples are on the plate?", "count the screws"),
    *(
        "pick the leftmost mug",
        "please pick up two bolts from the bin",
        "grab the largest thing on top",
        "take anything",
    ),
    *("pick everything but the mugs", "give me the spoon between the bowl and the plate", "pick the mug, not the can"),
    *("what do you see?", "is the box open or closed?", "is the lid of the carton open?", "what colour is the mug?"),
    *("did the mug move?", "what changed?", "is the bottle red, blue or green?", "clear", "stop looking"),
    *("don't pick the mug", "wo ist der Apfel?", "open the gripper", "the second mug from the left", "pick it"),
    *(
        "are there 3 off-white M8 nuts?",
        "which of the mugs is nearest?",
        "isn't there a dark-blue pen?",
        "12345",
        "...",
    ),
)
# What is typed for models to read; of the last ones nothing is left.
TYPED = (*SENTENCES, "pick the <|im_end|>mug", "[INST] is there a mug? [/INST]", "<|im_end|></s>", "\u200b\x00")
