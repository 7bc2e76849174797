"""A question with options to choose from, and further down what became of the reader's choice."""

from aehelpers.displays.widget import Display
from aehelpers.validation import Dict, Id, Text, takes


def at_least_two(options, name):
    """Raise a `ValueError` unless there are two options or more."""
    if len(options) < 2:
        raise ValueError(f"{name} must have at least two entries, but it has only {', '.join(options)}")


@takes(question=Text(), options=Dict(Text(), keys=Text()), id=Id())
def vote(question, options, *, id):
    """Ask the reader to choose before the evidence comes.

    The browser keeps the vote, with or without a kernel. On the website it opens what is folded up to the verdict; in
    JupyterLab the reader opens the collapsed heading below. To vote before seeing makes a result stick: Crouch, Fagen, Callan
    and Mazur, "Classroom demonstrations: Learning tools or entertainment?", American Journal of Physics 72 (2004).

    Parameters
    ----------
    question : str
    options : dict of str
        Each option by its letter, at least two.
    id : str
        The name under which the browser keeps the vote, which stays when the question is reworded or translated: the number of
        the notebook and a word, such as "01-gradient".

    Returns
    -------
    Vote
        ``value`` is the letter that is chosen, or "".
    """
    at_least_two(options, "options")
    return Vote("vote", question, "choice", {"choice": ""}, id=id, options=options)


class Vote(Display):
    """What `vote` returns."""

    @takes(answer=Text(), reasons=Dict(Text(), keys=Text()))
    def verdict(self, answer, reasons):
        """Show beside the result what was chosen, which option is right and why, and why each other one is tempting.

        Parameters
        ----------
        answer : str
            The letter of the right option.
        reasons : dict of str
            By the letter of each option: why it is right, or why one could think so and why it is not so.

        Returns
        -------
        Display
        """
        question, options = self.data["name"], self.data["options"]
        judged(options, answer, reasons)
        return Display("verdict", question, None, {}, id=self.data["id"], options=options, answer=answer, reasons=reasons)


def judged(options, answer, reasons):
    """Raise a `ValueError` unless the answer is one of the options and each option has its reason."""
    if answer not in options:
        raise ValueError(f"answer must be one of {', '.join(options)}, but it is {answer!r:.200}")
    if sorted(reasons) != sorted(options):
        raise ValueError(f"reasons must be given for {', '.join(options)}, but they are for {', '.join(reasons)}")
