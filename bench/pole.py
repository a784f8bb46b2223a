"""What a step of a control loop costs that asks a network what to do: a pole on a cart.

    python bench/pole.py [--steps 1000000] [--json FILE]

A 4-16-2 network keeps the pole upright: from compiled code, where ``docs/embedding.md`` explains
how; called from a Python loop; and as a PyTorch module in such a loop, if PyTorch is installed. The
Python loops take a fiftieth of the steps. The pole's own share is measured without a network.
"""

import argparse
import json
import math
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numba import njit

from fastperc import Network
from fastperc.kernels.single import predict_one
from fastperc.measuring import environment
from fastperc.measuring.clock import Timed, interleave
from fastperc.measuring.words import markdown

START = (0.0, 0.0, 0.05, 0.0)


# --- the compiled loop, as in docs/embedding.md -----------------------------------------------


@njit
def push(state, force):
    """One Euler step of 0.02 s: cart of 1 kg, pole of 0.1 kg and 1 m, no friction."""
    x, v, angle, turn = state
    sin, cos = math.sin(angle), math.cos(angle)
    pull = (force + 0.05 * turn**2 * sin) / 1.1
    spin = (9.8 * sin - cos * pull) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
    state[0] = x + 0.02 * v
    state[1] = v + 0.02 * (pull - 0.05 * spin * cos / 1.1)
    state[2] = angle + 0.02 * turn
    state[3] = turn + 0.02 * spin


@njit
def balance(n_steps, state, theta, layers, out, work):
    """Let the network push right or left; returns how often the pole fell."""
    falls = 0
    for _ in range(n_steps):
        predict_one(state, theta, layers, out, work)
        push(state, 10.0 if out[1] > out[0] else -10.0)
        if abs(state[0]) > 2.4 or abs(state[2]) > 0.21:
            falls += 1
            state[:] = 0
    return falls


# --- the same in other ways -------------------------------------------------------------------


@njit
def balance_by_rule(n_steps, state):
    """Balance by the rule that the network learnt, in place of the network."""
    falls = 0
    for _ in range(n_steps):
        push(state, 10.0 if advice(state) > 0 else -10.0)
        if abs(state[0]) > 2.4 or abs(state[2]) > 0.21:
            falls += 1
            state[:] = 0
    return falls


@njit
def advice(state):
    """Return a positive value where the cart should be pushed to the right."""
    return 0.1 * state[0] + 0.3 * state[1] + 3 * state[2] + state[3]


def balance_in_python(n_steps, state, pushes_right):
    """Balance in a Python loop; ``pushes_right()`` looks at ``state`` and decides."""
    falls = 0
    for _ in range(n_steps):
        push(state, 10.0 if pushes_right() else -10.0)
        if abs(state[0]) > 2.4 or abs(state[2]) > 0.21:
            falls += 1
            state[:] = 0
    return falls


def trained_network():
    """Return a 4-16-2 network that has learnt the rule from examples."""
    rng = np.random.default_rng(0)
    states = rng.uniform(-1, 1, (5000, 4)) * [2.4, 2.0, 0.2, 2.0]
    right = (states @ [0.1, 0.3, 3, 1] > 0).astype(int)
    net = Network((4, 16, 2), hidden="tanh", output="softmax", loss="cross_entropy", seed=0)
    net.train(states, right, epochs=20, lr=0.05)
    return net


def torch_module(net):
    """Return the network as a PyTorch module on one thread, without softmax.

    Raises
    ------
    ArithmeticError
        If it decides differently.
    """
    import torch

    torch.set_num_threads(1)
    module = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.Tanh(), torch.nn.Linear(16, 2))
    states = np.random.default_rng(1).uniform(-1, 1, (1000, 4)).astype(np.float32)
    with torch.inference_mode():
        for linear, W, b in zip(module[::2], net.weights, net.biases, strict=True):
            linear.weight.copy_(torch.from_numpy(W.T.copy()))
            linear.bias.copy_(torch.from_numpy(b.copy()))
        outputs = torch.softmax(module(torch.from_numpy(states)), dim=1).numpy()
    difference = np.abs(outputs - net.forward(states)).max()
    if not difference < 1e-5:
        raise ArithmeticError(f"PyTorch's outputs differ from the network's by {difference:.1e}")
    return module


def ways(net, n_steps):
    """Yield names, loops that take a state, and how many steps these take."""
    c, few = net.arrays(), max(n_steps // 50, 1)
    yield (
        "compiled: network and pole",
        lambda state: balance(n_steps, state, c.theta, c.layers, c.out, c.work),
        n_steps,
    )
    yield "compiled: pole alone", lambda state: balance_by_rule(n_steps, state), n_steps

    def asks_network(state):
        def pushes_right():
            return net.predict_one(state) == 1

        return balance_in_python(few, state, pushes_right)

    yield "Python: net.predict_one and pole", asks_network, few
    if find_spec("torch"):
        import torch

        module = torch_module(net)

        def asks_torch(state):
            tensor = torch.from_numpy(state)  # the same memory
            with torch.inference_mode():
                return balance_in_python(few, state, lambda: module(tensor).argmax() == 1)

        yield "Python: PyTorch module and pole", asks_torch, few
    yield (
        "Python: pole alone",
        lambda state: balance_in_python(few, state, lambda: advice(state) > 0),
        few,
    )


def measure(n_steps, repeats=3):
    """Return for each way nanoseconds a step, best of a few, and how often the pole fell."""
    state, falls, timed = np.array(START, np.float32), {}, {}
    for name, loop, steps in ways(trained_network(), n_steps):
        falls[name] = []

        def reset():
            state[:] = START

        def call(loop=loop, falls=falls[name]):
            falls.append(loop(state))

        timed[name] = Timed(call, reset, steps)
        reset()
        call()  # which compiles
    rounds = interleave(timed, 0, least=repeats)
    return {
        name: {"ns": min(ns), "steps": timed[name].units, "falls": sum(falls[name])}
        for name, ns in rounds.items()
    }


def main():
    """Measure, print, and write JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1_000_000, help="of the compiled loops")
    parser.add_argument("--json", metavar="FILE", help="also write the figures to this file")
    options = parser.parse_args()
    figures = measure(options.steps)
    rows = [
        (name, f"{line['steps']:,}", str(line["falls"]), f"{line['ns']:,.0f}")
        for name, line in figures.items()
    ]
    print(markdown([("loop", "steps", "falls", "ns a step"), *rows]))
    if not find_spec("torch"):
        print("\nPyTorch is not installed: its line was left out.")
    if options.json:
        content = {"environment": dict(environment.describe()), "figures": figures}
        Path(options.json).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
