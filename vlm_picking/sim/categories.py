"""Words for several kinds at once: a fruit is an apple, a banana, ... Only kinds that nobody would argue about."""

CATEGORIES: dict[str, tuple[str, ...]] = {
    "fruit": ("apple", "banana", "lemon", "orange", "pear"),
    "vegetable": ("carrot",),
    "food": ("apple", "banana", "carrot", "lemon", "orange", "pear"),
    "tool": ("hammer", "pliers", "screwdriver", "wrench"),
    "hand tool": ("hammer", "pliers", "screwdriver", "wrench"),
    "cutlery": ("fork", "spoon"),
    "silverware": ("fork", "spoon"),
    "crockery": ("bowl", "mug", "plate"),
    "tableware": ("bowl", "fork", "mug", "plate", "spoon"),
    "kitchenware": ("bowl", "fork", "mug", "pan", "plate", "spoon"),
    "fastener": ("bolt", "nut"),
    "machine part": ("bolt", "bracket", "gear", "nut", "pipe", "spring"),
    "mechanical part": ("bolt", "bracket", "gear", "nut", "pipe", "spring"),
    "industrial part": ("bolt", "bracket", "gear", "nut", "pipe", "spring"),
    "stationery": ("marker", "scissors", "stapler", "tape"),
    "office supply": ("calculator", "marker", "scissors", "stapler", "tape"),
    "toiletry": ("soap", "toilet roll", "toothbrush", "toothpaste"),
    "bathroom item": ("soap", "toilet roll", "toothbrush", "toothpaste"),
    "toy": ("ball", "dice"),
}
