"""The words that the grammar knows. Every other word may be (part of) the name of a thing."""

from vlm_picking.query import Superlative


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BASIC_COLOURS = _words(
    "red green blue yellow orange purple pink brown black white grey cyan beige gold silver"
)
# What is said -> (shade or "", basic colour).
COLOURS: dict[str, tuple[str, str]] = {colour: ("", colour) for colour in _BASIC_COLOURS} | {
    "gray": ("", "grey"), "violet": ("", "purple"), "lilac": ("", "purple"), "magenta": ("", "pink"),
    "teal": ("", "cyan"), "turquoise": ("", "cyan"), "aqua": ("", "cyan"), "crimson": ("", "red"),
    "scarlet": ("", "red"),
    "maroon": ("dark", "red"), "navy": ("dark", "blue"), "golden": ("", "gold"), "reddish": ("", "red"),
    "greenish": ("", "green"), "bluish": ("", "blue"), "yellowish": ("", "yellow"), "brownish": ("", "brown"),
    "greyish": ("", "grey"), "grayish": ("", "grey"), "blonde": ("", "yellow"), "tan": ("", "beige"),
}  # fmt: skip
SHADES = _words(
    "dark light bright pale deep sky olive lime royal baby hot forest mint lemon neon pastel rose"
)

SIZES = dict.fromkeys(("small", "little", "tiny", "mini"), "small") | dict.fromkeys(
    ("big", "large", "huge", "giant"), "large"
)

# Words that describe a thing and are handed to the model as they are.
ADJECTIVES = _words(
    "striped dotted spotted checked checkered patterned plain colourful colorful transparent clear "
    "opaque shiny matte empty full open closed opened broken cracked damaged dented bent torn dirty "
    "clean dusty wet dry rusty oily new old used round square rectangular oval triangular cylindrical "
    "flat curved hollow long short tall thin thick wide narrow heavy soft hard fresh ripe unripe rotten "
    "dark pale bright metal metallic wooden plastic glass paper cardboard rubber leather ceramic steel "
    "aluminium aluminum copper brass cotton woollen"
)
# Modifiers that name a thing when nothing follows them: "the orange", "a glass".
NOUN_TOO = _words(
    "orange violet lilac gold silver glass metal plastic paper cardboard rubber leather ceramic steel "
    "aluminium aluminum copper brass cotton square oval"
)

# Before the noun; the second table needs a noun behind it, for "the left" alone is too little.
RANKS = {
    "leftmost": Superlative.LEFTMOST, "rightmost": Superlative.RIGHTMOST, "topmost": Superlative.ON_TOP,
    "highest": Superlative.ON_TOP, "bottommost": Superlative.AT_BOTTOM, "lowest": Superlative.AT_BOTTOM,
    "deepest": Superlative.AT_BOTTOM, "uppermost": Superlative.UPPERMOST, "lowermost": Superlative.LOWEST,
    "nearest": Superlative.NEAREST, "closest": Superlative.NEAREST, "farthest": Superlative.FARTHEST,
    "furthest": Superlative.FARTHEST, "biggest": Superlative.LARGEST, "largest": Superlative.LARGEST,
    "bigger": Superlative.LARGEST, "larger": Superlative.LARGEST, "smallest": Superlative.SMALLEST,
    "tiniest": Superlative.SMALLEST, "littlest": Superlative.SMALLEST, "smaller": Superlative.SMALLEST,
    "centremost": Superlative.CENTRAL, "centermost": Superlative.CENTRAL,
}  # fmt: skip
SIDES = {
    "left": Superlative.LEFTMOST, "right": Superlative.RIGHTMOST, "top": Superlative.ON_TOP,
    "bottom": Superlative.AT_BOTTOM, "upper": Superlative.UPPERMOST, "lower": Superlative.LOWEST,
    "middle": Superlative.CENTRAL, "central": Superlative.CENTRAL, "centre": Superlative.CENTRAL,
    "center": Superlative.CENTRAL,
}  # fmt: skip
UNKNOWN_RANKS = _words(
    "most least best worst better worse heaviest lightest heavier lighter longest longer shortest "
    "shorter tallest taller thinnest thickest widest narrowest oldest newest brightest darkest reddest "
    "cleanest dirtiest ripest freshest roundest flattest sharpest cheapest easiest hardest safest other "
    "same"
)
ORDINALS = _words(
    "first second third fourth fifth sixth seventh eighth ninth tenth last 1st 2nd 3rd 4th 5th 6th 7th "
    "8th 9th 10th penultimate"
)

NUMBERS = {
    word: number
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen nineteen twenty".split()
    )
} | {"single": 1, "couple": 2, "both": 2, "dozen": 12}

# "10 mm wrench" has its number in the name.
UNITS = _words("mm cm m inch inches ml cl l litre liter g kg v volt w watt amp pin hole percent piece")

ARTICLES = _words("a an the this that these those my your our his her their another some any either")
EVERY = _words("all every each everything")
SKIPPED_BEFORE_NOUN = _words(
    "few several many more next random arbitrary only whole entire very really quite sized coloured "
    "colored hand-held different various single"
)
ANYTHING = _words("anything something everything object objects thing things item items stuff one ones")

# Words that continue a name behind its head: "box of screws", "mug with a handle".
NAME_LINKS = (("made", "of"), ("made", "from"), ("full", "of"), ("of",), ("with",), ("without",), ("for",))

# The bin itself and the picture: being in or on them is no narrowing.
IMAGE = _words("image picture photo view frame screen")
SCENE = IMAGE | _words("bin tote pile heap stack clutter scene workspace table workbench sight")
CONTAINERS = _words(
    "bin box bowl cup mug basket bag can jar crate carton drawer tray pot pan bucket glass packet case "
    "container packaging tin cupboard"
)

PRONOUNS = _words(
    "it them they he she him i me you we us who whom this that these those itself mine yours its there "
    "here what which "
    "myself yourself whatever whichever anyone someone everyone nobody anybody somebody everybody"
)
NEGATIONS = _words("not no non never none neither nor nothing cannot")
# These never stand inside the name of a thing.
FUNCTION_WORDS = PRONOUNS | NEGATIONS | ARTICLES | _words(
    "is are am was were be been being do does did has have had will would could should shall might must "
    "and or but if because while until when before after whether so than then where why how to into onto "
    "at about as up down away off out from in on by of with without for along through towards toward "
    "across around "
    "behind inside under above below beneath beside near except besides fit fits every each all too "
    "also let please like similar such using via per instead"
)  # fmt: skip

# Verbs of robots and people that are not ours. The first are refused whatever follows; the others also begin
# names ("place mat", "open box") and are refused where the next word of a command follows.
OTHER_VERBS = _words(
    "move put throw go rotate calibrate wait shut insert release continue proceed resume undo redo begin "
    "retry confirm activate deactivate initialise initialize execute run sleep wake restart reboot "
    "install delete write sing dance play sort assemble unscrew tighten pour cut eat"
)
MAYBE_VERBS = _words(
    "open close place drop turn push pull stack start switch clean wash wipe shake press home pause "
    "shift swap touch tap flip pack unpack clear empty fill set make say tell use keep leave save stop "
    "help ask drive bend break paint print cook watch hold speak read order buy sell weigh measure"
)
ROBOT_PARTS = _words("gripper arm robot camera hand finger fingers tcp elbow wrist")

# One of these and the sentence is not English. None of them is a word for a thing.
FOREIGN = _words(
    "der das ein eine einen einem einer wo ist sind gibt wie viele und oder nimm zeig zeige den dem auf "
    "neben nicht bitte welche kein keine ich du mir mich siehst hast greif hol finde suche le la les une "
    "où est sont combien dans avec il y sur du des prends montre trouve cherche el los las una dónde "
    "donde está esta están cuántos cuantos cuántas cuantas coge toma busca qué del dove è gli quanti "
    "quante prendi della het een waar hoeveel zijn onde uma quantas quantos gdzie jest ile"
)
