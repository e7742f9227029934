"""How a sentence begins says what is asked: "where is", "pick up", "how many"."""

from vlm_picking.language.lexicon import ARTICLES, MAYBE_VERBS, NEGATIONS, OTHER_VERBS, PRONOUNS, ROBOT_PARTS
from vlm_picking.language.places import place_at
from vlm_picking.language.refusals import Reason, refusal
from vlm_picking.query import QueryKind

_BEGINNINGS = {
    QueryKind.WHERE: (
        "help me find|where is|where are|where might|where could|where|"
        "where can i find|where can i see|where do you see|"
        "where can you see|"
        "where do i find|where did|where do we have|where does|find|find me|finding|locate|localise|"
        "localize|locating|show|show me|show us|show me where|detect|look for|looking for|look at|look|"
        "have a look for|have a quick look at|take a quick look at|take a look|take a look at|"
        "have a look|have a look at|take a look for|search|search for|searching|searching for|seek|"
        "highlight|mark|point at|point to|point out|point me to|spot|segment|outline|track|identify|"
        "recognise|recognize|i am looking for|we are looking for|i search for|position of|location of|"
        "the position of|the location of|the pose of|pose of|coordinates of|the coordinates of|"
        "what is the position of|what is the location of|what is the pose of|what are the coordinates of|"
        "what are the positions of|focus on|the whereabouts of|keep looking for|watch for|watch out for|"
        "look out for"
    ),
    QueryKind.COUNT: (
        "how many|how many of|count|count how many|count up|counting|number of|the number of|"
        "what is the number of|what number of|amount of|the amount of|give me the number of|"
        "give me a count of|a count of|count of|show me how many"
    ),
    QueryKind.PRESENCE: (
        "is there|are there|any sign of|any signs of|any chance of|is there any sign of|"
        "are there any signs of|there is|there are|is there not|are there not|do you see|do you not see|"
        "do not you see|can you see|see|do i see|do you notice|do you recognise|do you recognize|"
        "do you perceive|do not you have|do not you find|do not we have|do you detect|do you find|"
        "do we have|do you have|have you got|have we got|got|any|can you not see|does it contain|"
        "has it got|check for|is there still|are there still|is it true that there is|do you still see|"
        "you see|we have|do you spot|you got|you have|there any|did you see|did you find|did you detect|"
        "have you found|have you seen|have you detected|can you spot|can you detect"
    ),
    QueryKind.PICK: (
        "pick|pick up|pick out|picking|picking up|pick me|pick me up|grab|grab me|grabbing|grasp|"
        "grasping|grip|take|take out|take away|take me|get|get me|get us|get hold of|fetch|fetch me|"
        "fetching|bring|bring me|bring us|lift|lift up|lift out|hand me|hand over|hand us|give|give me|"
        "give us|pass|pass me|pass us|remove|removing|collect|retrieve|extract|i want|i need|"
        "i would like|we need|we want|i would like to have|i want to have|can i have|could i have|"
        "may i have|can i get|may i get|suck|suction|catch|unload|plan a grasp for|plan grasps for|"
        "grasps for|how would you grasp|how would you pick|how can i pick|how can i grasp|"
        "where can i grasp|where would you grasp"
    ),
    QueryKind.DESCRIBE: (
        "describe|describe to me|list|tell me about|give me an overview of|give me a description of|"
        "an overview of|enumerate|summarise|summarize|name"
    ),
}  # fmt: skip
_TABLE = {
    tuple(words.split()): kind for kind, beginnings in _BEGINNINGS.items() for words in beginnings.split("|")
}
_LONGEST = max(map(len, _TABLE))
# Single words that also name things ("pick", "hand"): they begin a command only with something behind them.
_STRONG = frozenset(
    "pick grab grasp take get fetch bring lift remove find locate show detect look search count describe "
    "list put place move throw drop tell open close give hand pass collect release where how is are do "
    "go turn stop".split()
)
_CLEAR = frozenset(
    tuple(words.split())
    for words in (
        "clear|clear all|clear it|clear prompt|clear the prompt|clear everything|clear the query|"
        "clear query|reset|reset prompt|reset the prompt|stop|stop it|stop that|stop now|stop looking|"
        "stop searching|stop picking|stop finding|stop detecting|stop tracking|stop the search|"
        "stop everything|halt|cancel|cancel it|cancel that|cancel everything|abort|quit|enough|"
        "that is enough|that is all|that is it|forget it|forget that|forget about it|"
        "forget about that|forget everything|forget what i said|never mind|never mind that|nothing|"
        "nothing more|nothing else|do nothing|no thanks|no thank you|look for nothing|find nothing|"
        "pick nothing|do not pick anything|do not look for anything|do not do anything|remove prompt|"
        "remove the prompt|ignore that|delete the prompt|delete prompt|no more|stop all|stand down|"
        "stop looking for anything|stop looking for it"
    ).split("|")
)
_ASKED_WITH_NOT = (["you", "see"], ["you", "have"], ["you", "find"], ["you", "detect"], ["we", "have"])
_BEHIND_VERBS = (
    ARTICLES | PRONOUNS | ROBOT_PARTS | frozenset("to up down off all everything left right".split())
)
_IDIOMS = tuple(
    tuple(idiom.split())
    for idiom in (
        "get rid|"
        "take care|take over|take five|give up|get lost|get ready|get started|get up|"
        ""
        "take a picture|take a photo|take a snapshot|take an image|"
        "take a break|take a rest|take a seat|take your time"
    ).split("|")
)
_STOP_SEARCH = frozenset("looking searching tracking detecting finding picking watching".split())


def beginning(tokens: list[str]) -> tuple[QueryKind, list[str], tuple[str, ...]] | None:
    """What kind a sentence is by its longest known beginning, the words behind it, and the beginning."""
    for length in range(min(_LONGEST, len(tokens)), 0, -1):
        said = tuple(tokens[:length])
        if said in _TABLE:
            return _TABLE[said], tokens[length:], said
    return None


def is_clear(tokens: list[str]) -> bool:
    """Whether a sentence takes back what was asked before ("stop", "never mind")."""
    return tuple(tokens) in _CLEAR or (
        tokens[0] == "stop" and tokens[1:2] != [] and tokens[1] in _STOP_SEARCH
    )


def refuse_other_commands(tokens: list[str]) -> None:
    """Refuse what must not be done, and what a camera can't do.

    Raises:
        PromptError: a negation, a verb that is not ours, or a command to a part of the robot.
    """
    said = " ".join(tokens)
    is_forbidden = tokens[:2] == ["do", "not"] and tokens[2:4] not in _ASKED_WITH_NOT
    if tokens[0] in NEGATIONS or is_forbidden:
        raise refusal(Reason.NEGATED, said)
    if tokens[0] in OTHER_VERBS or tokens in (["emergency", "stop"], ["e-stop"], ["estop"]):
        raise refusal(Reason.OTHER_COMMAND, said)
    follows = tokens[1:2]
    is_ours = beginning(tokens) is not None
    if (
        not is_ours
        and tokens[0] in MAYBE_VERBS
        and (not follows or follows[0] in _BEHIND_VERBS or place_at(tokens, 1))
    ):
        raise refusal(Reason.OTHER_COMMAND, said)
    if any(tuple(tokens[: len(idiom)]) == idiom for idiom in _IDIOMS):
        raise refusal(Reason.OTHER_COMMAND, said)


def refuse_robot_parts(nouns: list[str]) -> None:
    """Refuse to pick "the gripper" or "with suction": how the robot moves is not said here."""
    for noun in nouns:
        means = noun.partition(" with ")[2].split()
        if noun in ROBOT_PARTS or any(word in ROBOT_PARTS or word in ("suction", "vacuum") for word in means):
            raise refusal(Reason.OTHER_COMMAND, noun)


def second_command(tokens: list[str]) -> int:
    """Where a second command begins ("find the mug | and pick it"); the token count where there is none."""
    for i in range(1, len(tokens) - 1):
        if tokens[i] in ("and", ",", "then") and tokens[i - 1] not in ("and", ",", "then"):
            k = i
            while k < len(tokens) and tokens[k] in ("and", ",", "then", "also"):
                k += 1
            begun = beginning(tokens[:i])
            is_chain = begun is not None and not begun[1]  # "find and pick the mug"
            is_command = (
                k < len(tokens) - 1 and tokens[k] in _STRONG and tokens[k + 1] not in ("and", "or", ",")
            )
            if is_command and not is_chain:
                return i
    return len(tokens)
