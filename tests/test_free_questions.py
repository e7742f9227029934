"""Free questions: what kind of answer they want."""

import pytest

from vlm_picking.language.free_questions import Form, read_free_question


@pytest.mark.parametrize(
    ("text", "form", "statements", "about_change"),
    [
        ("is the box open or closed?", Form.CHOICE, ("the box is open", "the box is closed"), False),
        (
            "Is the mug red, blue or green?",
            Form.CHOICE,
            ("the mug is red", "the mug is blue", "the mug is green"),
            False,
        ),
        ("are the boxes full, or empty", Form.CHOICE, ("the boxes are full", "the boxes are empty"), False),
        (
            "is the lid of the jar open?",
            Form.YES_NO,
            ("the lid of the jar is open", "the lid of the jar is closed"),
            False,
        ),
        ("is the lid not open?", Form.YES_NO, (), False),
        ("is the mug red?", Form.YES_NO, (), False),
        ("did the mug move?", Form.YES_NO, (), True),
        ("has anything changed?", Form.YES_NO, (), True),
        ("what changed?", Form.OPEN, (), True),
        ("what colour is the mug?", Form.OPEN, (), False),
        ("why is the conveyor not moving?", Form.OPEN, (), True),
        ("is open or closed better?", Form.OPEN, (), False),
        ("which is heavier, the mug or the can?", Form.OPEN, (), False),
        ("can the box be opened?", Form.YES_NO, (), False),
        ("or", Form.OPEN, (), False),
    ],
)
def test_a_question_is_told_by_its_words(text, form, statements, about_change):
    question = read_free_question(text)
    assert (question.form, question.about_change) == (form, about_change)
    assert tuple(option.statement for option in question.options) == statements
