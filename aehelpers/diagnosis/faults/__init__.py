"""All faults that are known, in the order in which they are told: data and output first, for they explain what follows."""

from aehelpers.diagnosis.faults import data, output, gradients, code, quality  # noqa: F401, I001  the order is that of the findings
from aehelpers.diagnosis.rules import complete

complete()
