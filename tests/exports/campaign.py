"""Many random models, written in C and Python, and compared."""

import argparse
import tempfile

from export_models import HEADS, estimator_cases, fleet_case, network_case

from . import in_c, in_python


def cases(count):
    """Networks, a fleet for each fourth of them, and every estimator."""
    found = {f"network {i}": network_case(i) for i in range(count)}
    for i in range(0, count, 4):
        differ = found[f"network {i}"].model.loss_name != "perceptron"
        found[f"fleet {i}"] = fleet_case(i, shapes_differ=differ)
    return {**found, **estimator_cases()}


def compare_c(models, flags=("-O2", "-ffp-contract=off"), cc=None):
    """Compile all and compare each; the largest part of the tolerance that was needed."""
    with tempfile.TemporaryDirectory() as folder:
        compiled = in_c.Compiled([case.model for case in models.values()], folder, flags=flags)
        worst = 0.0
        for i, (name, case) in enumerate(models.items()):
            with noted(name):
                worst = max(worst, in_c.compare(compiled, i, case))
        return worst


class noted:
    """Says which model an error is about."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is not None:
            error.add_note(self.name)


def train_c(count, n_samples=1000):
    """Let networks learn in C and here; how far losses and weights are apart at most."""
    models = {f"network {i}": network_case(i).model for i in range(count)}
    with tempfile.TemporaryDirectory() as folder:
        compiled = in_c.Compiled(list(models.values()), folder, train=True)
        worst = 0.0
        for i, (name, model) in enumerate(models.items()):
            with noted(name):
                worst = max(worst, in_c.compare_training(compiled, i, model, n_samples))
        return worst


def main():
    """Run it as the options say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2 * len(HEADS), help="networks")
    options = parser.parse_args()
    models = cases(options.count)
    for flags in (("-O2", "-ffp-contract=off"), ("-O3", "-march=native", "-ffp-contract=fast")):
        worst = compare_c(models, flags)
        print(f"C, {' '.join(flags)}: {len(models)} models, worst {worst:.3g} of the tolerance")
    worst = train_c(options.count)
    print(f"C, training: {options.count} networks, 1,000 samples, worst {worst:.3g} relative")
    for numpy in (False, True):
        for name, case in models.items():
            with noted(name):
                in_python.compare(case, numpy)
        print(f"Python{' with NumPy' if numpy else ''}: {len(models)} models agree")
