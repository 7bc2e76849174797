"""What a page folds until the reader has voted.

A vote's gate begins at the first heading (level 2 or 3) after the vote and ends where the section ends in which the verdict
stands: there JupyterLab ends what a collapsed heading hides, and the sentences after a verdict tell the answer too. Gates of
several votes may overlap: a segment belongs to all votes whose gate contains it, and opens when each of them has been answered.
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
        Each with ``asks`` and ``answers``, the ids of the votes and of the verdicts in it, and ``heading``, which has the
        ``level`` (2 or 3) of the heading with which the cell begins, or is None.

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
            levels = {k: cells[k]["heading"]["level"] for k in range(vote + 1, len(cells)) if cells[k]["heading"]}
            within = [k for k in levels if k <= place]
            if within:
                own = min(levels[k] for k in within)
                end = next((k for k in levels if k > place and levels[k] <= own), len(cells))
                for k in range(within[0], end):
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
