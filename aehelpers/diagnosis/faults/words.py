"""How numbers, names and optimizers are written in sentences."""


def number(value):
    """Return a number as people read it: 0.000342, 0.12, 7.2, 45,000, 3.1 million."""
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 1e15 or size < 1e-6:
        return f"{value:.1e}"
    if size >= 1e6:
        return f"{value / 1e6:.3g} million"
    if size >= 1e4:
        return f"{value:,.0f}"
    text = f"{value:.3g}"
    return f"{float(text):.10f}".rstrip("0").rstrip(".") if "e" in text else text


def share(value):
    """Return a share as percent: 3 %, 0.4 %, 98.7 %."""
    percent = 100 * value
    if percent and (percent < 1 or percent > 99) and percent != 100:
        return f"{percent:.2g} %" if percent < 1 else f"{percent:.3g} %"
    return f"{percent:.0f} %"


def listed(names, most=3):
    """Return some names: "a", "a and b", "a, b and 5 more"."""
    names = [str(name) for name in names]
    if len(names) <= 1:
        return "".join(names)
    if len(names) <= most:
        return f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def weight(name):
    """Return what a weight is called: "the kernel of code" for Keras's code/kernel, PyTorch's names as they are."""
    if "/" not in name:
        return name
    layer, _, part = name.rpartition("/")
    return f"the {part.replace('_', ' ')} of {layer}"


def count(number_, one, many=None):
    """Return "1 column" or "3 columns"."""
    return f"{number_} {one if number_ == 1 else many or one + 's'}"
