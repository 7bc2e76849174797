"""What a page folds until the reader has voted.

A vote's gate begins at the first heading (level 2 or 3) after the vote and ends with the verdict. Gates of several votes may
overlap: a segment belongs to all votes whose gate contains it, and opens when each of them has been answered.
"""

from dataclasses import dataclass, field


@dataclass
class Segment:
    """Cells that stand one after another and belong to the same votes; to none if ``votes`` is empty."""

    votes: tuple = ()
    cells: list = field(default_factory=list)


def segments(cells):
    """Divide the cells of a part of a page into segments.

    Parameters
    ----------
    cells : list of dict
        Each with ``asks`` and ``answers``, the ids of the votes and of the verdicts in it, and ``heading``, whether it begins
        with a heading of level 2 or 3.

    Returns
    -------
    list of Segment

    Raises
    ------
    ValueError
        If a verdict has no vote before it, or a vote has no verdict.
    """
    votes = [[] for _ in cells]
    asked = {}
    for place, cell in enumerate(cells):
        for name in cell["answers"]:
            if name not in asked:
                raise ValueError(f'the verdict "{name}" has no vote before it')
            vote = asked.pop(name)
            begin = next((k for k in range(vote + 1, place + 1) if cells[k]["heading"]), place + 1)
            for k in range(begin, place + 1):
                votes[k].append((vote, name))
        asked |= dict.fromkeys(cell["asks"], place)
    if asked:
        raise ValueError(f'the vote "{next(iter(asked))}" has no verdict after it')
    found = []
    for cell, those in zip(cells, votes, strict=True):
        names = tuple(name for _, name in sorted(those))
        if not found or found[-1].votes != names:
            found.append(Segment(names))
        found[-1].cells.append(cell)
    return found
