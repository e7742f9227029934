"""English plurals, as far as things in a bin need them."""

_IRREGULAR = {
    "mice": "mouse", "dice": "die", "men": "man", "women": "woman", "children": "child", "people": "person",
    "feet": "foot", "teeth": "tooth", "geese": "goose", "oxen": "ox", "indices": "index", "axes": "axe",
    "knives": "knife", "penknives": "penknife", "shelves": "shelf", "loaves": "loaf", "leaves": "leaf",
    "halves": "half",
    "scarves": "scarf", "wolves": "wolf", "calves": "calf", "thieves": "thief", "elves": "elf",
    "wives": "wife",
    "cookies": "cookie", "pies": "pie", "ties": "tie", "movies": "movie", "brownies": "brownie",
    "hoodies": "hoodie",
    "smoothies": "smoothie", "magpies": "magpie", "zombies": "zombie", "veggies": "veggie",
    "selfies": "selfie",
    "shoes": "shoe", "horseshoes": "horseshoe", "toes": "toe", "canoes": "canoe", "oboes": "oboe",
    "hoes": "hoe",
    "buses": "bus", "gases": "gas", "lenses": "lens", "cactuses": "cactus", "viruses": "virus",
    "cacti": "cactus",
    "octopuses": "octopus", "walruses": "walrus", "irises": "iris", "canvases": "canvas", "atlases": "atlas",
    "quizzes": "quiz", "whizzes": "whiz", "headaches": "headache", "caches": "cache",
    "moustaches": "moustache",
}  # fmt: skip
# Words that end like a plural and are none, or have no singular.
_UNCHANGED = frozenset(
    "scissors pliers tongs tweezers pincers forceps shears clippers goggles sunglasses eyeglasses "
    "headphones earphones earbuds binoculars jeans trousers pants shorts leggings tights pyjamas pajamas "
    "overalls bellows calipers callipers series species sheep fish aircraft news gas bus lens canvas "
    "atlas molasses christmas yes plus minus its this as is was has does thanks always perhaps lego "
    "asparagus hummus couscous".split()
)
_PLURAL_ONLY = frozenset(
    "scissors pliers tongs tweezers pincers forceps shears clippers goggles sunglasses eyeglasses "
    "headphones earphones binoculars jeans trousers pants shorts leggings tights calipers callipers".split()
)


def singular(word: str) -> str:
    """The singular of a lower-case word; a word that is no plural stays as it is.

    >>> [singular(word) for word in ("boxes", "knives", "batteries", "scissors", "glass")]
    ['box', 'knife', 'battery', 'scissors', 'glass']
    """
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if (
        word in _UNCHANGED
        or len(word) < 3
        or not word.endswith("s")
        or word.endswith(("ss", "us", "is", "'s", "-s"))
    ):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses", "zzes", "oes")) and len(word) > 4:
        return word[:-2]
    return word[:-1]


def is_plural(word: str) -> bool:
    """Whether a lower-case word speaks of several things; "scissors" may be one."""
    return singular(word) != word


def is_plural_only(word: str) -> bool:
    """Whether a word has no singular ("scissors"), so that "a pair of" it is one thing."""
    return word in _PLURAL_ONLY
