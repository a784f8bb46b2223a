"""The time of one prediction of an 8-32-1 network in float32: exported, by the library, by others.

    python bench/exported.py [--quick] [--markdown]

C is compiled from what `fastperc.to_c` writes, and called in a loop in C, from another file; the
others from a loop in Python, a sample a call. All are timed in turn, and each one's best round
counts. Outputs are compared first. ``docs/exports.md`` shows the table.
"""

import argparse
import ctypes
import subprocess
import tempfile

import numpy as np

from fastperc import Network, to_python
from fastperc.exports.c import write_c
from fastperc.exports.c_size import size_of
from fastperc.measuring import environment
from fastperc.measuring.clock import Timed, interleave, lengthened
from fastperc.measuring.compilers import compiler
from fastperc.measuring.words import markdown, number

SIZES, N_SAMPLES = (8, 32, 1), 500
FLAGS = {"-O2": ["-O2"], "-O3 -march=native": ["-O3", "-march=native", "-ffp-contract=fast"]}
DRIVER = """
#include <stddef.h>
void model_predict(const float *x, float *out);
void predict_all(const float *X, float *out, size_t n);
void predict_all(const float *X, float *out, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++)
        model_predict(X + 8 * i, out + i);
}
"""


def in_c(text, flags, folder, X, out):
    """A function that predicts all samples in C."""
    parts = {"model": text, "driver": DRIVER}
    for name, source in parts.items():
        words = [compiler(), "-std=c99", *flags, "-fPIC", "-x", "c", "-c", "-"]
        subprocess.run([*words, "-o", f"{folder}/{name}.o"], input=source, text=True, check=True)
    library = f"{folder}/{''.join(flags)}.so"
    objects = [f"{folder}/{name}.o" for name in parts]
    subprocess.run([compiler(), "-shared", *objects, "-o", library], check=True)
    function = ctypes.CDLL(library).predict_all
    arguments = (ctypes.c_void_p(X.ctypes.data), ctypes.c_void_p(out.ctypes.data))
    return lambda: function(*arguments, ctypes.c_size_t(len(X)))


def by_onnx(net, X, out):
    """A function that predicts sample by sample with ONNX Runtime; None without it."""
    try:
        import onnxruntime

        from fastperc import to_onnx
    except ImportError:
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(to_onnx(net).SerializeToString(), options)
    rows, name = [x[None] for x in X], session.get_inputs()[0].name

    def call():
        for i, row in enumerate(rows):
            out[i] = session.run(None, {name: row})[0].item()

    return call


def by_function(function, rows, out):
    """A function that calls another one for each sample."""

    def call():
        for i, row in enumerate(rows):
            out[i] = function(row)

    return call


def ways(net, X, out, folder):
    """What is timed, by name."""
    names = {}
    exec(to_python(net), names)
    found = {}
    if compiler() is not None:
        text = write_c(net).text
        for title, flags in FLAGS.items():
            found[f"C, {title}"] = in_c(text, flags, folder, X, out)
    found["`net.predict_one`"] = by_function(net.predict_one, list(X), out)
    found["ONNX Runtime, `session.run`"] = by_onnx(net, X, out)
    found["exported Python"] = by_function(names["predict"], X.tolist(), out)
    return {name: call for name, call in found.items() if call is not None}


def measure(hidden, rounds):
    """Return nanoseconds a prediction by name, once all were found to agree."""
    net = Network(SIZES, hidden=hidden, seed=0)
    net.biases[0][:] = net.biases[1][:] = 0.1
    X = np.random.default_rng(0).normal(size=(N_SAMPLES, SIZES[0])).astype(np.float32)
    out, expected = np.zeros(N_SAMPLES, np.float32), net.forward(X)[:, 0]
    with tempfile.TemporaryDirectory() as folder:
        calls = ways(net, X, out, folder)
        for name, call in calls.items():
            out[:] = 0
            call()
            if not np.abs(out - expected).max() < 1e-5:
                raise ArithmeticError(f"{name}: outputs are not those of the library")
        timed = {name: lengthened(Timed(call, units=N_SAMPLES)) for name, call in calls.items()}
        found = interleave(timed, 0, least=rounds)
    return {name: min(ns) for name, ns in found.items()}


def sizes(hidden):
    """Return bytes of weights, and of code with -Os."""
    net = Network(SIZES, hidden=hidden, seed=0)
    net.biases[0][:] = net.biases[1][:] = 0.1
    source = write_c(net)
    size = size_of(source.text)
    return source.n_weight_bytes, None if size is None else size - source.n_weight_bytes


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few rounds")
    parser.add_argument("--markdown", action="store_true", help="print nothing but the table")
    options = parser.parse_args()
    kinds = ("relu", "sigmoid")
    figures = {hidden: measure(hidden, 2 if options.quick else 25) for hidden in kinds}
    if not options.markdown:
        print(f"{dict(environment.describe())['processor']}\n")
        for hidden in kinds:
            weights, code = sizes(hidden)
            print(f"{hidden}: weights {weights:,} bytes, code {code} bytes with -Os")
    lines = [("a prediction of 8-32-1", *(f"{hidden}, ns" for hidden in kinds))]
    for name in figures[kinds[0]]:
        lines.append((name, *(number(figures[hidden][name]) for hidden in kinds)))
    print(markdown(lines))


if __name__ == "__main__":
    main()
