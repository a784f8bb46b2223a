"""The groups of cases in words: for headings, contents and summary of the report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """A group of cases in words.

    Attributes
    ----------
    title : str
        Heading.
    sentence : str
        What is timed, and beside what.
    short : str
        What is said of it in the summary; empty if it is not compared with anything there.
    """

    title: str
    sentence: str
    short: str = ""


GROUPS = {
    "online": Group(
        "One update per sample",
        "Training that changes the weights after each sample. python is a loop over lists, numpy "
        "one with a few array operations for each sample, c the same loop in C.",
        "one update per sample",
    ),
    "batches": Group(
        "Mini-batches",
        "Training that changes the weights after each batch, by the mean gradient of its samples.",
        "mini-batches",
    ),
    "full": Group(
        "All samples at once",
        "Training with one update per epoch, by the mean gradient of all samples.",
        "all samples at once",
    ),
    "libraries online": Group(
        "Other libraries, one update per sample",
        "The same steps by other libraries, each in the way that it is meant to be used.",
    ),
    "libraries batches": Group(
        "Other libraries, mini-batches",
        "The same steps in mini-batches, with relu units.",
    ),
    "predicting": Group(
        "Predictions",
        "Outputs of one sample or many, and one update, called from Python.",
        "predictions",
    ),
    "estimators": Group(
        "Estimators of scikit-learn",
        "Whole trainings, and calls with one row, of classes that have scikit-learn's names and "
        "give its weights.",
        "estimators",
    ),
    "fleets": Group(
        "Many networks at once",
        "256 networks, each with start weights and a learning rate of its own: an epoch of all in "
        "one call, beside one network after the other, for each network and sample; numpy trains "
        "four of them.",
        "many networks at once",
    ),
    "linear": Group(
        "Linear models",
        "Trainings of five epochs, and steps on one row, of classes that have scikit-learn's names "
        "and give its coefficients.",
        "linear models",
    ),
    "updates": Group(
        "Update rules",
        "An epoch by each rule, plain gradient descent to Adam, one sample at a time or in "
        "batches of 32.",
        "update rules",
    ),
    "elementary": Group(
        "Elementary functions",
        "Exponential, logarithm and activations of an array that fits into the first cache, for "
        "each element; math loop is a compiled loop that calls the C library's functions.",
        "elementary functions",
    ),
    "tutorials": Group(
        "Perceptrons of tutorials",
        "Whole trainings of five published perceptrons from scratch, beside their own loops.",
        "perceptrons of tutorials",
    ),
    "samples": Group(
        "Time against the number of samples",
        "Time for each sample of an 8-32-1 network: it should not depend on how many there are.",
    ),
    "width": Group(
        "Time against the width",
        "Time for each sample of a network with one hidden layer, one update per sample.",
    ),
    "depth": Group(
        "Time against the depth",
        "Time for each sample of a network with layers of 32 units, one update per sample.",
    ),
    "batch size": Group(
        "Time against the batch size",
        "Time for each sample of a 64-64-10 network.",
    ),
    "threads": Group(
        "Threads",
        "Time for each sample of full batches, on one thread and on two; NumPy has one.",
    ),
    "starting": Group(
        "Starting a process",
        "A whole process, from start to end, beside a bare Python that does nothing.",
    ),
    "compiling": Group(
        "Making machine code",
        "Once for each kernel and version of the library; afterwards it is loaded from disk.",
    ),
    "memory": Group(
        "Memory",
        "What training adds to the memory of a process that holds the samples.",
    ),
    "roofline": Group(
        "What the machine can do",
        "The higher a point, the more operations per second; lines are the limits of one core: "
        "its arithmetic at the top, its memory and its caches on the slopes.",
    ),
    "left out": Group("Left out", "What cannot run on this machine."),
    "environment": Group("Where this was measured", "Machine and versions."),
}  # the last three are no groups of cases, but have a heading too


def group_of(name: str) -> Group:
    """Return a group in words, one that is no longer among the cases by its name."""
    return GROUPS.get(name, Group(name, ""))
