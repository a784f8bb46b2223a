"""What one call of a small network costs from Python, for each form that a sample may come in.

    python bench/one_call.py [--quick] [--json FILE]

`learn_one` and `predict_one` of an 8-32-1 network take a sample as a list, a tuple or a row of an
array, and a target as a number of Python or NumPy, an array of one, or a label. All forms of the
same numbers must give the same result before anything is timed.
"""

import argparse
import json
from functools import partial
from pathlib import Path

import numpy as np

from fastperc import Network
from fastperc.measuring import environment
from fastperc.measuring.clock import Timed, interleave
from fastperc.measuring.words import markdown

ROW = [0.5, -1.0, 2.0, 0.25, -0.125, 1.5, -3.0, 0.75]  # in float32 the same numbers
INPUTS = {
    "list": ROW,
    "tuple": tuple(ROW),
    "float32 row": np.array(ROW, np.float32),
    "float64 row": np.array(ROW),
    "row of a larger array": np.array([ROW, ROW])[1],
    "every other number of a row": np.repeat(ROW, 2)[::2],
    "list of NumPy numbers": list(np.array(ROW)),
}
ONES = {
    "float": 1.0,
    "int": 1,
    "bool": True,
    "NumPy float64": np.float64(1),
    "NumPy float32": np.float32(1),
    "NumPy int64": np.int64(1),
    "NumPy bool": np.True_,
    "0-d array": np.array(1.0),
    "0-d array of ints": np.array(1),
    "array of one float32": np.ones(1, np.float32),
    "array of one float64": np.ones(1),
    "array of one bool": np.ones(1, bool),
    "list of one": [1.0],
    "tuple of one": (1.0,),
}
NETWORKS = {
    "squared_error": ((8, 32, 1), {}),
    "log_loss": ((8, 32, 1), {"output": "sigmoid", "loss": "log_loss"}),
    "hinge": ((8, 32, 1), {"loss": "hinge"}),
    "cross_entropy": ((8, 32, 3), {"output": "softmax", "loss": "cross_entropy"}),
}
LR = 1e-9  # so small that a million steps change the network little


def network(loss):
    """Return a new network with one of the losses."""
    sizes, given = NETWORKS[loss]
    return Network(sizes, seed=0, **given)


def forms():
    """Yield call, form and the arguments of it; the first of each call is what others equal."""
    for form, x in INPUTS.items():
        yield "learn_one, inputs", "squared_error", form, (x, 1.0)
    for loss in NETWORKS:
        for form, y in ONES.items():
            yield f"learn_one, {loss}", loss, form, (INPUTS["float32 row"], y)
    for form, x in INPUTS.items():
        yield "predict_one", "squared_error", form, (x,)
    for form, x in INPUTS.items():
        yield "forward_one", "squared_error", form, (x,)


def checked(call, loss, form, arguments, expected):
    """Return a function that makes one call, after it has given the expected result."""
    net = network(loss)
    method = getattr(net, call.partition(",")[0])
    found = method(*arguments, lr=0.1) if call.startswith("learn") else method(*arguments)
    result = np.append(net.theta, found)
    if not np.array_equal(result, expected.setdefault(call, result)):
        raise ArithmeticError(f"{call}: as {form}, a sample gives another result")
    net.lr = LR
    return partial(method, *arguments)


def measure(repeats=20, calls=500):
    """Return for each call a dict of forms to nanoseconds."""
    works, expected = {}, {}
    for call, loss, form, arguments in forms():
        run = checked(call, loss, form, arguments, expected)
        works[call, form] = Timed(run).repeated(calls)
    found = {}
    for (call, form), rounds in interleave(works, 0, least=repeats).items():
        found.setdefault(call, {})[form] = min(rounds)
    return found


def main():
    """Measure, print, and write JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few calls")
    parser.add_argument("--json", metavar="FILE", help="also write the figures to this file")
    options = parser.parse_args()
    found = measure(*((2, 5) if options.quick else ()))
    for call, figures in found.items():
        rows = [(form, f"{ns / 1000:.2f}") for form, ns in figures.items()]
        print(markdown([(call, "us"), *rows]), end="\n\n")
    if options.json:
        content = {"environment": dict(environment.describe()), "figures": found}
        Path(options.json).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
