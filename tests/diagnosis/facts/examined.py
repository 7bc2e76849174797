"""What the tests of the facts share: a model and its rows as the steps get them."""

import numpy as np
from aehelpers.diagnosis.facts.data import data
from aehelpers.diagnosis.facts.examination import Examination
from aehelpers.diagnosis.facts.ladder import ladder
from aehelpers.diagnosis.facts.output import output
from aehelpers.diagnosis.probes import probe_of


def rows(values):
    return np.asarray(values, np.float32)


def identity(x):
    return x


def examined(model, x_train, x_test=None, *, target=None, target_test=None, kind="table", encode=None, **more):
    """Return an examination: what is made of ``x_train`` alone, or also of ``x_test``; without targets, the rows themselves."""
    x_train = rows(x_train)
    train = x_train if target is None else rows(target)
    x_test, test = (x_train, train) if x_test is None else (rows(x_test), target_test)
    test = x_test if test is None else rows(test)
    return Examination(probe_of(model, train.shape[1:], encode), x_train, x_test, train, test, train, kind, **more)


def factorial(*sizes, times=10):
    """Return rows with every combination of plus and minus these sizes: columns of mean 0 that nothing connects."""
    signs = np.array(np.meshgrid(*[(-1, 1)] * len(sizes), indexing="ij")).reshape(len(sizes), -1).T
    return np.tile(signs * np.array(sizes, float), (times, 1))


def measured(e):
    """Return the facts of the rows, of the output and of the ladder."""
    about = data(e)
    gives = output(e, about)
    return about, gives, ladder(e, about, gives)
