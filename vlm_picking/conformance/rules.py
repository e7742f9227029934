"""What every adapter must keep, whatever its weights: a rule is a function that raises Broken."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from vlm_picking.conformance.classification import classifies, classifies_again, knows_words, wrong_calls
from vlm_picking.conformance.demands import HOSTILE, NOBODY_SAYS, Asked, Broken, demand, equal, shares_of
from vlm_picking.detections import Detections
from vlm_picking.errors import ModelError
from vlm_picking.models.base import Role, YesNo

PHRASES = (
    *("red mug", "mug", "cup", "green apple", "banana", "spoon", "empty bowl", "blue box"),
    *("fork", "bottle", "screwdriver", "wrench", "package", "yellow thing", "orange object", "left cup"),
)
QUESTION = "is there a red mug in the box?"


def pictures(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Pictures (H, W, 3) uint8 of sizes that cameras and crops have, of soft blotches."""
    sizes = {"odd": (61, 97), "one row": (1, 83), "one column": (83, 1), "one pixel": (1, 1), "large": (1080, 1920)}
    shown = {}
    for name, (height, width) in sizes.items():
        blotches = rng.integers(0, 256, (-(-height // 16), -(-width // 16), 3), dtype=np.uint8)
        shown[name] = np.kron(blotches, np.ones((16, 16, 1), np.uint8))[:height, :width]
    return shown


def rules_of(role: Role) -> Iterator[tuple[str, Callable[[Asked, dict[str, np.ndarray]], None]]]:
    """The rules for a role, by what to call them."""
    find = {Role.DETECTION: "detect", Role.PHRASE_SEGMENTATION: "segment"}.get(role)
    if find:
        yield "any size of picture", lambda asked, shown: _finds_at_any_size(asked, shown, find)
        yield "one phrase and sixteen", lambda asked, shown: _finds_many(asked, shown["odd"], find)
        yield "asking again", lambda asked, shown: _finds_again(asked, shown["odd"], find)
    else:
        yield from _RULES[role]
    yield "wrong input is refused", lambda asked, shown: _refuses(asked, shown["odd"], role)
    if role not in (Role.BOX_SEGMENTATION, Role.CAPTIONING, Role.CLASSIFICATION):
        yield "hostile text", lambda asked, shown: _survives(asked, shown["odd"], role)


def say(role: Role, texts: Sequence[str], rgb: np.ndarray) -> Iterator[tuple[str, tuple]]:
    """The methods of a role that take an operator's texts, with arguments."""
    match role:
        case Role.DETECTION:
            yield "detect", (rgb, texts)
        case Role.PHRASE_SEGMENTATION:
            yield "segment", (rgb, texts)
        case Role.SIMILARITY:
            yield "presence", (rgb, texts)
            yield "classify", (rgb, texts)
            yield "embed_texts", (texts,)
        case Role.ANSWERING:
            for text in texts:
                yield "yes_probability", ([rgb], text)


def _finds_at_any_size(asked: Asked, shown: dict[str, np.ndarray], find: str) -> None:
    for rgb in shown.values():
        _well_formed(asked.ask(find, rgb, PHRASES[:2]), rgb, PHRASES[:2], masks=find == "segment")


def _finds_many(asked: Asked, rgb: np.ndarray, find: str) -> None:
    for phrases in (PHRASES[:1], PHRASES):
        _well_formed(asked.ask(find, rgb, phrases), rgb, phrases, masks=find == "segment")
    none = asked.ask(find, rgb, [])
    demand(none is None or len(none) == 0, "asked for nothing it found something")


def _finds_again(asked: Asked, rgb: np.ndarray, find: str) -> None:
    turned = np.ascontiguousarray(rgb[::-1, ::-1])
    of_turned = asked.ask(find, turned, PHRASES[:2])
    camera = rgb.copy()
    first = asked.ask(find, camera, PHRASES[:2])
    equal(asked.ask(find, camera, PHRASES[:2]), first, "the same picture and phrases, asked twice, differ")
    for picture, expected in ((turned, of_turned), (rgb, first)):
        camera[:] = picture
        again = asked.ask(find, camera, PHRASES[:2])
        equal(again, expected, "a new picture in the same buffer is not seen", loosely=True)


def _scores(asked: Asked, shown: dict[str, np.ndarray]) -> None:
    for name, rgb in shown.items():
        vector = asked.ask("embed_image", rgb)
        demand(vector.ndim == 1 and vector.dtype == np.float32, f"embed_image gave {vector.dtype} {vector.shape}")
        _unit(vector[None], f"embed_image of {name}")
        texts = asked.ask("embed_texts", PHRASES)
        demand(texts.shape == (len(PHRASES), len(vector)), f"embed_texts gave {texts.shape}")
        _unit(texts, "embed_texts")
        for n in (1, len(PHRASES)):
            chances = asked.ask("classify", rgb, PHRASES[:n])
            demand(chances.shape == (n,) and abs(chances.sum() - 1) < 1e-3, f"classify of {n} labels: {chances}")
            shares_of(asked.ask("presence", rgb, PHRASES[:n]), n, "presence")


def _scores_again(asked: Asked, shown: dict[str, np.ndarray]) -> None:
    turned = np.ascontiguousarray(shown["odd"][::-1, ::-1])
    of_turned = asked.ask("embed_image", turned)
    camera = shown["odd"].copy()
    alone = asked.ask("presence", camera, PHRASES[:1])
    equal(asked.ask("presence", camera, PHRASES)[:1], alone, "a phrase's presence hangs on the others", loosely=True)
    camera[:] = turned
    equal(asked.ask("embed_image", camera), of_turned, "a new picture in the same buffer is not seen", loosely=True)
    equal(asked.ask("presence", shown["odd"], PHRASES[:1]), alone, "a picture is not known again after another one")


def _answers(asked: Asked, shown: dict[str, np.ndarray]) -> None:
    for name, rgb in shown.items():
        for images in ([rgb], [rgb] * asked.model.max_images)[: asked.model.max_images]:
            belief = asked.ask("yes_probability", images[:4], QUESTION)
            demand(isinstance(belief, YesNo), f"yes_probability gave {belief!r}")
            demand(0 <= belief.probability <= 1, f"yes_probability of {name}: {belief}")
            demand(np.isnan(belief.mass) or 0 <= belief.mass <= 1, f"yes_probability of {name}: {belief}")
    answers = [asked.ask("answer", [shown["odd"]], QUESTION) for _ in range(2)]
    _words(answers[0], "answer")
    demand(answers[0] == answers[1], f"the same question twice: {answers[0]!r} and {answers[1]!r}")


def _captions(asked: Asked, shown: dict[str, np.ndarray]) -> None:
    for rgb in (shown["odd"], shown["one row"], shown["large"]):
        _words(asked.ask("caption", rgb), "caption")


def _cuts_out(asked: Asked, shown: dict[str, np.ndarray]) -> None:
    for rgb in shown.values():
        height, width = rgb.shape[:2]
        boxes = np.array([[0, 0, width, height], [0, 0, max(1, width / 2), max(1, height / 2)]], np.float32)
        for n in (0, 1, 2):
            masks = asked.ask("masks", rgb, boxes[:n])
            demand(masks.shape == (n, height, width) and masks.dtype == bool, f"masks: {masks.dtype} {masks.shape}")
        equal(asked.ask("masks", rgb, boxes[:1]), masks[:1], "a box's mask hangs on the other boxes", loosely=True)


_RULES: dict[Role, tuple[tuple[str, Callable], ...]] = {
    Role.SIMILARITY: (("any size of picture", _scores), ("asking again", _scores_again)),
    Role.ANSWERING: (("answers", _answers),),
    Role.CAPTIONING: (("captions", _captions),),
    Role.BOX_SEGMENTATION: (("boxes of any picture", _cuts_out),),
    Role.CLASSIFICATION: (
        ("boxes of any frame", classifies),
        ("asking again", classifies_again),
        ("words", knows_words),
    ),
}


def _refuses(asked: Asked, rgb: np.ndarray, role: Role) -> None:
    wrong: list[tuple[str, tuple]] = []
    for text in NOBODY_SAYS:
        wrong += say(role, [text], rgb)
    for image in (rgb.astype(np.float32), rgb[..., 0], rgb[:0]):
        wrong += [call for call in say(role, PHRASES[:1], image) if call[0] != "embed_texts"]
        wrong += {Role.CAPTIONING: [("caption", (image,))], Role.SIMILARITY: [("embed_image", (image,))]}.get(role, [])
        if role is Role.BOX_SEGMENTATION:
            wrong.append(("masks", (image, np.array([[0, 0, 9, 9]], np.float32))))
    if role is Role.CLASSIFICATION:
        wrong = wrong_calls(rgb)
    if role is Role.ANSWERING:
        too_many = [rgb] * (asked.model.max_images + 1) if asked.model.max_images < 64 else []
        wrong += [("answer", ([], QUESTION)), ("answer", (too_many, QUESTION))]
    for method, arguments in wrong:
        try:
            getattr(asked.model, method)(*arguments)
        except ModelError:
            continue
        raise Broken(f"{method} took {_short(arguments)}")


def _survives(asked: Asked, rgb: np.ndarray, role: Role) -> None:
    for text in HOSTILE:
        for method, arguments in say(role, [text], rgb):
            try:
                result = asked.ask(method, *arguments)
            except ModelError:
                continue  # a refusal that says why
            if isinstance(result, Detections):
                _well_formed(result, rgb, [text], masks=role is Role.PHRASE_SEGMENTATION)


def _well_formed(found: Detections | None, rgb: np.ndarray, phrases: Sequence[str], *, masks: bool) -> None:
    if found is None:
        return
    height, width = rgb.shape[:2]
    demand(isinstance(found, Detections), f"{type(found).__name__} is no Detections")
    demand(set(found.label) <= set(phrases), f"labels that nobody asked for: {sorted(set(found.label))[:3]}")
    inside = (found.xyxy >= 0).all() and (found.xyxy <= [width, height, width, height]).all()
    demand(bool(inside), f"boxes outside of {width} x {height} px: {found.xyxy.tolist()[:3]}")
    if masks and len(found):
        demand(found.mask is not None, "no masks")
        demand(found.mask.shape == (len(found), height, width), f"masks of {found.mask.shape} for {rgb.shape}")


def _unit(vectors: np.ndarray, what: str) -> None:
    lengths = np.linalg.norm(vectors, axis=1)
    demand(np.allclose(lengths, 1, atol=1e-3), f"{what}: vectors of length {lengths[:3]}, not 1")


def _words(text: object, what: str) -> None:
    demand(text is None or (isinstance(text, str) and bool(text.strip())), f"{what} gave {text!r}")


def _short(arguments: tuple) -> str:
    return ", ".join(f"an array {a.shape} {a.dtype}" if isinstance(a, np.ndarray) else repr(a)[:60] for a in arguments)
