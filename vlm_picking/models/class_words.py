"""Words for the classes of an image classifier: how its labels, and the sidecar's categories, name them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vlm_picking.errors import ModelError, did_you_mean
from vlm_picking.language.lexicon import COLOURS, SHADES

_NONE_OF_THESE = frozenset({"none", "nothing", "other", "background"})


@dataclass(frozen=True)
class ClassWords:
    """The nouns that a classifier can tell apart, and which of them a word stands for.

    Args:
        outputs: where each class is among the network's outputs.
        classes: one noun a class, in the order of `outputs`.
        members: word -> indices into `classes`.
    """

    outputs: tuple[int, ...]
    classes: tuple[str, ...]
    members: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, labels: Sequence[str], categories: Mapping[str, Sequence[str]], *, name: str) -> "ClassWords":
        """Read the labels of a checkpoint.

        Args:
            labels: of each output: "hex_bolt", or "coffee mug, cup", whose parts are all words for it and whose first
                is its noun. "none", "nothing", "other" and "background" are the class of everything else.
            categories: word -> words of classes, "packaging" -> ["carton"]; it goes before a label's own word.
            name: what to call the classifier in errors.

        Raises:
            ModelError: there is nothing to tell apart, the labels are no words, or a category names no class.
        """
        words = [tuple(filter(None, map(_plain, label.split(",")))) for label in labels]
        kept = [i for i, of_label in enumerate(words) if of_label and of_label[0] not in _NONE_OF_THESE]
        if len(labels) < 2 or not kept:
            raise ModelError(f"{name} tells nothing apart: its labels are {list(labels)}; id2label needs two or more")
        if all(words[i] == (f"label {i}",) for i in kept):
            raise ModelError(f"the classes of {name} have no names: write them as id2label into its config.json")
        members: dict[str, tuple[int, ...]] = {}
        for index, i in enumerate(kept):
            for word in dict.fromkeys(words[i]):
                members[word] = (*members.get(word, ()), index)
        of_category: dict[str, tuple[int, ...]] = {}
        for category, nouns in categories.items():
            if unknown := [noun for noun in nouns if _plain(noun) not in members]:
                raise ModelError(
                    f"the category {category!r} of {name} names {unknown[0]!r}, which is none of its classes; "
                    f"{did_you_mean(unknown[0], members)}"
                )
            indices = {index for noun in nouns for index in members[_plain(noun)]}
            of_category[_plain(category)] = tuple(sorted(indices))
        return cls(tuple(kept), tuple(words[i][0] for i in kept), members | of_category)

    def indices(self, phrase: str) -> tuple[int, ...]:
        """The classes that `phrase` stands for, its colours left aside; empty where it is none of their words."""
        words = _plain(phrase).split()
        for start, word in enumerate(words):
            if known := self.members.get(" ".join(words[start:])):
                return known
            shades = word in SHADES and words[start + 1 : start + 2] != [] and words[start + 1] in COLOURS
            if word not in COLOURS and not shades:
                break
        return ()


def _plain(text: str) -> str:
    return " ".join(text.lower().replace("_", " ").split())
