"""What is folded until the reader has voted."""

import pytest

from tools.gates import in_order, segments

# A heading of level 2 or 3, a vote for an id, its verdict, or text: "##", "###", "?a", "!a" and ".".
CASES = {
    "?a . ## . !a . ## .": [("", "?a ."), ("a", "## . !a ."), ("", "## .")],
    "?a !a ##": [("", "?a !a ##")],  # nothing to hide: no heading between
    "?a . !a": [("", "?a . !a")],
    "?a ### !a . ### . ## .": [("", "?a"), ("a", "### !a ."), ("", "### . ## .")],
    "?a ## ### !a . ### . ##": [("", "?a"), ("a", "## ### !a . ### ."), ("", "##")],
    "?a ### ## !a ### . ##": [("", "?a"), ("a", "### ## !a ### ."), ("", "##")],
    "?a ## ?b . ## !a . ## !b .": [("", "?a"), ("a", "## ?b ."), ("a b", "## !a ."), ("b", "## !b .")],
    "?a ## ?b . ### !a . ### !b .": [("", "?a"), ("a", "## ?b ."), ("a b", "### !a . ### !b .")],
    "?a ?b ## !a . !b": [("", "?a ?b"), ("a b", "## !a . !b")],
    "## .": [("", "## .")],
}


def cells_of(text):
    return [
        {
            "name": word,
            "heading": {"level": len(word)} if word[0] == "#" else None,
            "asks": [word[1:]] if word[0] == "?" else [],
            "answers": [word[1:]] if word[0] == "!" else [],
        }
        for word in text.split()
    ]


@pytest.mark.parametrize("text", CASES)
def test_a_gate_goes_from_the_first_heading_after_a_vote_to_the_end_of_the_section_of_its_verdict(text):
    found = [(" ".join(one.votes), " ".join(cell["name"] for cell in one.cells)) for one in segments(cells_of(text))]
    assert found == CASES[text]


@pytest.mark.parametrize(
    ("text", "said"), [("## !a", 'the verdict "a" has no vote before it'), ("?a ##", 'the vote "a" has no verdict after it')]
)
def test_a_vote_and_its_verdict_belong_together(text, said):
    with pytest.raises(ValueError, match=said):
        segments(cells_of(text))


ORDERS = {
    "## . ?a ## !a ## . ## .": ("## . ?a", "[## !a]", "(## .)", "## ."),  # the last section introduces the folds
    "## ?a ## !a ### . ## . ?b . ### !b ## . ## .": ("## ?a", "[## !a ### .]", "(## . ?b .)", "[### !b]", "(## .)", "## ."),
    "## ?a ## !a ## .": ("## ?a", "[## !a]", "## ."),
    "## . ## .": ("## . ## .",),
}


@pytest.mark.parametrize("text", ORDERS)
def test_what_follows_a_gate_is_later_but_for_the_folds(text):
    found = in_order(segments(cells_of(text)), leads_on=True)
    shown = []
    for one in found:
        words, (before, after) = (
            " ".join(cell["name"] for cell in one.cells),
            "[]" if one.votes else "()" if one.later else "  ",
        )
        shown.append(f"{before}{words}{after}".strip())
    assert tuple(shown) == ORDERS[text]
    last = in_order(segments(cells_of(text)), leads_on=False)[-1]
    assert last.later == ("?" in text)  # without folds all of it is later
