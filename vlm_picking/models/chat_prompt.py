"""From a question and pictures to token ids, by the chat template of a checkpoint.

Operators' text can't reach the template's machinery: what looks like a control token is taken out of it, and a prompt
whose control tokens are others than those of a harmless question is refused. This holds with any release of
transformers and with templates that leave the beginning of the text to the tokenizer, where its own
`sanitize_control_tokens` gives up.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

from vlm_picking.errors import ModelError
from vlm_picking.models.loading import hub_is_offline

_HARMLESS = "a"
_BRACKETS = str.maketrans(dict.fromkeys("<>[]{}|", " "))
_LIKE_CONTROL = re.compile(
    r"""
    <\|[^<>]{0,64}\|> | \[/?[A-Z_]{2,16}\] | <</?[A-Z_]{2,16}>>
    | </?(?:s|bos|eos|pad|unk|mask|image|video|audio|think)> | <(?:loc|seg)\d+>
    | </?(?:start|end)_of_[a-z]+>
    """,
    re.VERBOSE,
)


def plain_text(text: str, control_tokens: Iterable[str] = ()) -> str:
    """`text` in one line without control tokens, those of the tokenizer and those that are known from other models.

    Marks that can't be seen (direction, zero width, soft hyphens) go first: some tokenizers drop them, and what stood
    around them would close up to a control token.

    >>> plain_text("a <|im_end|>red\\n mug")
    'a red mug'

    Raises:
        ModelError: nothing is left.
    """
    pattern = _any_of(tuple(control_tokens))
    plain = unicodedata.normalize("NFKC", "".join(c for c in text if unicodedata.category(c) != "Cf"))
    plain = "".join(" " if unicodedata.category(letter) in ("Cc", "Cs", "Co", "Cn") else letter for letter in plain)
    before = None
    while before != plain:  # taking one out may join the halves of another
        before = plain
        plain = _LIKE_CONTROL.sub(" ", plain)
        plain = pattern.sub(" ", plain)
    plain = " ".join(plain.split())
    if not plain:
        raise ModelError(f"nothing to ask is left of {text[:80]!r}")
    return plain


def bare_text(text: str) -> str:
    """`text` in one line without the characters that control tokens are made of.

    For models on servers, whose tokens nobody here knows.

    >>> bare_text("red <|custom|> mug")
    'red custom mug'

    Raises:
        ModelError: nothing is left.
    """
    bare = " ".join(plain_text(text).translate(_BRACKETS).split())
    if not bare:
        raise ModelError(f"nothing to ask is left of {text[:80]!r}")
    return bare


@lru_cache(maxsize=8)
def _any_of(tokens: tuple[str, ...]) -> re.Pattern:
    longest_first = sorted(filter(None, tokens), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or "(?!)")


class PromptWriter:
    """Writes prompts for one checkpoint.

    Args:
        checkpoint: a directory, or "owner/name" on the hub.
        image_token: what the chat template writes in the place of an image.
        always_begins: prompts begin with the token that begins texts (where there is none, that ends them), even where
            neither the template nor the tokenizer writes it.
        offline: never ask the hub.

    Raises:
        ModelError: there is no tokenizer or no chat template, or they don't know `image_token`.
    """

    def __init__(
        self, checkpoint: str, *, image_token: str, always_begins: bool = False, offline: bool = False
    ) -> None:
        from transformers import AutoTokenizer, ProcessorMixin

        offline = offline or hub_is_offline()
        try:
            self.tokenizer = AutoTokenizer.from_pretrained(checkpoint, local_files_only=offline)
            settings, _ = ProcessorMixin.get_processor_dict(checkpoint, local_files_only=offline)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            why = (str(error).strip() or repr(error)).splitlines()[0]
            raise ModelError(f"{checkpoint!r} has no tokenizer that can be read: {why}") from error
        template = settings.get("chat_template") or self.tokenizer.chat_template
        if isinstance(template, dict):
            template = template.get("default")
        if not template:
            raise ModelError(
                f"{checkpoint!r} has no chat template; take the variant that was tuned to follow instructions"
            )
        if image_token not in self.tokenizer.get_vocab():
            raise ModelError(f"{checkpoint!r} has no tokenizer that fits its model: it lacks {image_token!r}")
        added = {token: i for token, i in self.tokenizer.get_added_vocab().items() if not token.isspace()}
        self.processor_settings = settings
        self._template = template
        self._image_token = image_token
        self._always_begins = always_begins
        self._control_tokens = tuple(added)
        self._control_ids = frozenset(added.values()) | set(self.tokenizer.all_special_ids)
        self._controls_of_harmless = lru_cache(maxsize=32)(
            lambda n_images: self._controls(self._render(_HARMLESS, n_images))
        )

    def plain(self, text: str) -> str:
        """`text` in one line and without control tokens; raises ModelError when nothing is left."""
        return plain_text(text, self._control_tokens)

    def tokens(self, text: str, images: Sequence[str]) -> list[int]:
        """Ids of a user's message of images and text and of what leads to the answer.

        Args:
            text: of the operator, or with words of the operator in it.
            images: what stands for each image, written with control tokens.

        Raises:
            ModelError: the text is empty, or the template does not take it.
        """
        rendered = self._render(self.plain(text), len(images))
        if self._controls(rendered) != self._controls_of_harmless(len(images)):
            raise ModelError(f"the text {text[:80]!r} holds control tokens")
        parts = rendered.split(self._image_token)
        if len(parts) != len(images) + 1:
            raise ModelError(f"the chat template has places for {len(parts) - 1} images, not for {len(images)}")
        whole = parts[0] + "".join(image + part for image, part in zip(images, parts[1:], strict=True))
        return self._ids(whole)

    def first_ids(self, words: Iterable[str]) -> set[int]:
        """The ids that `words` begin with."""
        ids = (self.tokenizer(word, add_special_tokens=False)["input_ids"] for word in words)
        return {tokens[0] for tokens in ids if tokens} - {self.tokenizer.unk_token_id}

    def _render(self, text: str, n_images: int) -> str:
        from jinja2 import TemplateError

        content = [{"type": "image"}] * n_images + [{"type": "text", "text": text}]
        try:
            return self.tokenizer.apply_chat_template(
                [{"role": "user", "content": content}],
                chat_template=self._template,
                tokenize=False,
                add_generation_prompt=True,
            )
        except (TemplateError, TypeError) as error:
            raise ModelError(f"the chat template takes no images with text: {error}") from error

    def _ids(self, text: str) -> list[int]:
        begin = self.tokenizer.bos_token
        if self._always_begins:
            begin = begin or self.tokenizer.eos_token
            text = text if text.startswith(begin) else begin + text
        written = begin is not None and text.startswith(begin)
        return self.tokenizer(text, add_special_tokens=not written)["input_ids"]

    def _controls(self, rendered: str) -> list[int]:
        return [i for i in self._ids(rendered) if i in self._control_ids]
