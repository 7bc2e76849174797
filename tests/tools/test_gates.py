"""What is folded until the reader has voted."""

import pytest

from tools.gates import segments

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
