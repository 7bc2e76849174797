"""What a page folds until the reader has voted.

A vote's gate begins at the first heading (level 2 or 3) after the vote and ends where the section ends in which the verdict
stands: there JupyterLab ends what a collapsed heading hides, and the sentences after a verdict tell the answer too. Gates of
several votes may overlap: a segment belongs to all votes whose gate contains it, and opens when each of them has been answered.

A lesson is read from top to bottom: what follows a gate in the same part of the page is ``later``, and not seen while that gate
is shut. The section in which folds stand ("Going deeper") ends this; what stands there may be read at any time.
"""

from dataclasses import dataclass, field


@dataclass
class Segment:
    """Cells that stand one after another and belong to the same votes; to none if ``votes`` is empty.

    ``later`` says that a segment without votes of its own stands after a gate.
    """

    votes: tuple = ()
    cells: list = field(default_factory=list)
    later: bool = False


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


def in_order(found, *, leads_on):
    """Say which segments of a part of a page wait for the gates before them.

    Parameters
    ----------
    found : list of Segment
        Of one part, from `segments`.
    leads_on : bool
        Whether the last section of level 2 leads to folded parts, or to other pages: it waits for nothing.

    Returns
    -------
    list of Segment
        The same cells in the same order; a segment of which only the beginning waits is divided.
    """
    cells = [cell for segment in found for cell in segment.cells]
    sections = [k for k, cell in enumerate(cells) if cell["heading"] and cell["heading"]["level"] == 2]
    end = sections[-1] if leads_on and sections else len(cells)
    made, place, is_after = [], 0, False
    for segment in found:
        if segment.votes:
            is_after = True
            made.append(segment)
        elif not is_after:
            made.append(segment)
        else:
            waiting = max(0, end - place)
            both = (segment.cells[:waiting], True), (segment.cells[waiting:], False)
            made += [Segment(cells=part, later=later) for part, later in both if part]
        place += len(segment.cells)
    return made
