"""Words by which a model says that it looked and saw none of what was asked for."""

import re

_NOTHING = re.compile(
    r"""
    (?: \[\s*\] | \{\s*\} | null | none | nothing | not\ (?:found|visible|present)
    | no\ (?:such\ )?(?:objects?|items?|instances?|matches|boxes|points)
      (?:\ (?:\w+\ ){0,4}(?:found|visible|present|image))?
    | there\ (?:is|are)\ (?:none|nothing|no\ (?!way\b|doubt\b)[^.!?\n]{1,80})(?:\ in\ (?:the|this)\ (?:image|picture))?
    | (?:this|it|that)\ (?:isn't|isn’t|is\ not)\ (?:present\ )?in\ (?:the|this)\ (?:image|picture|scene)
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_AROUND = re.compile(r"^[\s`*\"'.]*(?:json\b)?[\s`*\"'.]*|[\s`*\"'.!]*$")


def says_nothing(reply: str) -> bool:
    """Whether the whole reply says that there is none; an empty reply says nothing of the kind."""
    return _NOTHING.fullmatch(_AROUND.sub("", reply[:400])) is not None and len(reply) <= 400
