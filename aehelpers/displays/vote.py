"""A question with options as buttons, and further down what became of the reader's choice."""

from aehelpers.displays.widget import Display
from aehelpers.validation import Dict, Text, takes


@takes(question=Text(), options=Dict(Text(), keys=Text()))
def vote(question, options):
    """Ask the reader to choose before the evidence comes.

    The page keeps the choice until its tab is closed, with or without a kernel; a second click takes it back. To vote before
    seeing makes a result stick: Crouch, Fagen, Callan and Mazur, "Classroom demonstrations: Learning tools or entertainment?",
    American Journal of Physics 72 (2004).

    Parameters
    ----------
    question : str
    options : dict of str
        Each option by its letter, at least two.

    Returns
    -------
    Vote
        ``value`` is the letter that was chosen, or "".
    """
    if len(options) < 2:
        raise ValueError(f"options must have at least two entries, but it has only {', '.join(options)}")
    return Vote("vote", question, "choice", {"choice": ""}, options=options)


class Vote(Display):
    """What `vote` returns."""

    @takes(answer=Text(), reasons=Dict(Text(), keys=Text()))
    def verdict(self, answer, reasons):
        """Show beside the result what was chosen, which option holds, and why each other one is tempting.

        Parameters
        ----------
        answer : str
            The letter of the option that holds.
        reasons : dict of str
            By the letter of each other option: why one could think so, and why it is not so.

        Returns
        -------
        Display
        """
        question, options = self.data["name"], self.data["options"]
        if answer not in options:
            raise ValueError(f"answer must be one of {', '.join(options)}, but it is {answer!r:.200}")
        wrong = [letter for letter in options if letter != answer]
        if sorted(reasons) != sorted(wrong):
            raise ValueError(f"reasons must be given for {', '.join(wrong)}, but they are for {', '.join(reasons)}")
        return Display("verdict", question, None, {}, options=options, answer=answer, reasons=reasons)
