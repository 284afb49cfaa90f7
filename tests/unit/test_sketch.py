"""A copy is known by its sketch, and a sketch never changes."""

from __future__ import annotations

from transforms.text.sketch import SIZE, resemblance, sketch_text

TEXT = "The company said on Tuesday that its next model will be offered through its own service only, and that weights stay inside."


def test_sketch_is_pinned_since_state_and_topics_hold_it() -> None:
    assert sketch_text(TEXT).hex()[:32] == "f37c3d87b3d03e07d1b73deb7d7329bb"
    assert len(sketch_text(TEXT)) == 2 * SIZE


def test_copy_with_a_line_of_its_own_resembles_and_another_report_does_not() -> None:
    other = "On Tuesday we learned from the company that weights of the model which comes next will stay inside; a service is offered."
    assert resemblance(sketch_text(TEXT), sketch_text(f"{TEXT.upper()} (Harbour Wire)")) > 0.7
    assert resemblance(sketch_text(TEXT), sketch_text(other)) < 0.3


def test_short_text_has_no_sketch_and_resembles_nothing() -> None:
    assert sketch_text("short") == b""
    assert resemblance(b"", b"") == 0.0


def test_any_script_and_half_a_surrogate_pair_have_a_sketch() -> None:
    assert len(sketch_text("智谱公开全部权重" * 10)) == 2 * SIZE
    assert len(sketch_text("a\ud800" * 100)) == 2 * SIZE
