"""What has to hold for a random network.

``python -m tests.fuzz.networks --seed 0 --count 5000``
"""

import contextlib
import copy
import math
import pickle
import tempfile
import warnings
from pathlib import Path

import numpy as np

from fastperc import DivergedError, Network
from fastperc.kernels import single

from . import oracle, running
from .cases import Case, draw, in_another_form
from .guarded import guarded, guarded_scratch
from .judging import SHAKE, Disagreement, blocks, require, require_close, require_same


class Subject:
    """A case, its arrays between guards, and its twin in the oracle."""

    def __init__(self, case: Case):
        self.case = c = case
        self.X, self.y = guarded(c.X, c.at), guarded(c.y, c.at)
        self.weight = None if c.weight is None else guarded(c.weight, c.at)
        self.blocks = blocks(c.sizes)
        rng = np.random.default_rng([c.seed, 21])
        self.ulps = ulps = SHAKE * float(np.finfo(c.dtype).eps)
        weight = np.ones(len(c.X)) if c.weight is None else c.weight
        self.copies = [oracle.copies(a, ulps, rng) for a in (c.X, c.y, weight)]
        self.copies[1][1:] = self.copies[1][0]  # targets are exact: 0 is 0, and 1 is 1
        self.theta = oracle.copies(c.theta, ulps, rng)
        if c.validation is not None:
            self.held = [oracle.copies(a, 0, rng) for a in c.validation]

    def net(self):
        c = self.case
        return Network(
            c.sizes, hidden=c.hidden, output=c.output, loss=c.loss, dtype=c.dtype, init=c.theta,
            seed=c.seed,
        )  # fmt: skip

    def twin(self):
        c = self.case
        return oracle.Oracle(self.theta, c.sizes, c.hidden, c.output, c.loss, self.ulps)

    def train(self, net, **changes):
        c = self.case
        options = {"sample_weight": self.weight, "validation": c.validation, **c.options, **changes}
        return net.train(self.X, self.y, **options)

    def close(self, found, copies, what, groups=None, epochs=0):
        steps = epochs * -(-len(self.X) // self.case.options["batch_size"])
        require_close(found, copies, self.case.dtype, what, groups, steps)


def check_forward(s):
    net, X = s.net(), s.copies[0]
    out = net.forward(s.X)
    s.close(out, s.twin().forward(X), "forward")
    require_same(net.forward(in_another_form(s.case, s.case.X)), out, "forward of another form")
    require_same(net.forward(s.X, threads=2), out, "forward on two threads")
    one = np.array([net.forward_one(x) for x in s.X[:3]]).reshape(-1, s.case.sizes[-1])
    s.close(one, s.twin().forward(X[:, :3]), "forward_one")
    row = s.case.X[0].tolist()
    require_same(net.forward_one(row), net.forward_one(s.X[0]), "forward_one of a list")
    require_same(net.predict(s.X), _meaning(s.case, out), "predict")
    require_same([net.predict_one(x) for x in s.X[:3]], _meaning(s.case, one), "predict_one")
    require_same(net.predict_one(row), net.predict_one(s.X[0]), "predict_one of a list")


def _meaning(c, out):
    """What is to be predicted where these are the outputs, of a network that is not trained."""
    labels_of = oracle.LABELS.get(c.loss, lambda out: out)
    meaning = labels_of(out)
    return meaning[:, 0] if meaning.shape[1:] == (1,) else meaning


def check_compiled_functions(s):
    """What compiled code of a user's own calls, with no room beyond its arrays."""
    c = s.net().arrays()
    x, out, work = (guarded(a, s.case.at) for a in (s.case.X[0], c.out, c.work))
    require(single.predict_one(x, c.theta, c.layers, out, work), "compiled predict_one says False")
    s.close(out[None], s.twin().forward(s.copies[0][:, :1]), "compiled predict_one")


def check_loss_and_gradient(s):
    net, twin, (X, y, w) = s.net(), s.twin(), s.copies
    alpha, l1 = (0.03, 0.02) if s.case.seed % 2 else (0.0, 0.0)
    loss = net.loss(s.X, s.y, s.weight, alpha=alpha, l1=l1)
    s.close(loss, twin.mean_loss(X, y, w) + twin.penalty(alpha, l1), "loss")
    gradient = net.backward(s.X, s.y, s.weight, alpha=alpha, l1=l1)
    s.close(gradient, twin.gradient(X, y, w, alpha, l1), "backward", s.blocks)


def check_training(s):
    if s.case.is_extreme:
        return
    net, c = s.net(), s.case
    orders = _orders(net.rng, c)
    try:
        history = s.train(net)
    except DivergedError:
        ends = [
            np.isfinite(loss).all()
            for loss in oracle.train(s.twin(), *s.copies, orders, **c.options)
        ]
        require(not all(ends), "diverged, which the oracle did not")
        return
    thetas = _compare_epochs(s, history, orders)
    _compare_stopping(s, history)
    kept = thetas[_best(s, history)]
    s.close(net.theta, kept, "weights after training", s.blocks, epochs=len(thetas))


def _orders(rng, c):
    """The order of the rows in each epoch, drawn as the network is going to draw it."""
    n, rng = len(c.X), copy.deepcopy(rng)
    is_one_step = c.options["optimizer"] == "rprop" or c.options["batch_size"] >= n
    in_turn = is_one_step or not c.options["shuffle"]
    return [np.arange(n) if in_turn else rng.permutation(n) for _ in range(c.options["epochs"])]


def _compare_epochs(s, history, orders):
    """Each epoch's losses; returns the oracle's weights at each epoch's end."""
    twin, thetas = s.twin(), []
    for epoch, loss in enumerate(oracle.train(twin, *s.copies, orders, **s.case.options)):
        if epoch == len(history.loss):
            break
        s.close(history.loss[epoch], loss, f"loss of epoch {epoch + 1}", epochs=epoch)
        thetas.append(twin.theta)
        if s.case.validation is not None:
            X, y = s.held
            expected = twin.mean_loss(X, y, np.ones(y.shape[:2]))
            found, what = history.validation_loss[epoch], f"validation of epoch {epoch + 1}"
            s.close(found, expected, what, epochs=epoch + 1)
    return thetas


def _compare_stopping(s, history):
    """The network's own losses, put to the rule in words: which epoch is the last, and why."""
    o = s.case.options
    patience, tol = o.get("patience"), o.get("tol", 0.0)
    watched = history.validation_loss or history.loss
    reference, waited, previous, expected = math.inf, 0, math.inf, ("epochs", o["epochs"])
    for epoch, loss in enumerate(watched, 1):
        waited = 0 if loss < reference - tol else waited + 1
        reference = loss if waited == 0 else reference
        if patience is not None and waited >= patience:
            expected = "patience", epoch
        elif patience is None and tol > 0 and previous - loss < tol:
            expected = "tol", epoch
        if expected[0] != "epochs":
            break
        previous = loss
    found = history.stopped, len(history.loss)
    require(found == expected, f"stopped: {found}, expected {expected}")
    require(len(history.validation_loss) in (0, len(history.loss)), "curves of unequal length")


def _best(s, history):
    """The epoch whose weights are to be kept."""
    if "patience" in s.case.options and history.validation_loss:
        return int(np.argmin(history.validation_loss))
    return -1


def check_ways_to_give_samples(s):
    """Other forms of the same samples, other threads, another limit: the same bits."""
    if s.case.is_extreme:
        return
    c, kwargs = s.case, {}
    expected, history = _trained(s)
    kwargs["sample_weight"] = None if c.weight is None else in_another_form(c, c.weight)
    net = s.net()
    with contextlib.suppress(DivergedError):
        net.train(
            in_another_form(c, c.X), in_another_form(c, c.y),
            **{**c.options, "validation": c.validation, "time_limit": 1e6, **kwargs},
        )  # fmt: skip
    require_same(net.theta, expected.theta, f"weights, samples given as {c.form}")
    require_same(net.history.loss, history.loss, f"losses, samples given as {c.form}")
    other, again = _trained(s, threads=2)
    require_same(other.theta, expected.theta, "weights on two threads")
    require_same(again.loss, history.loss, "losses on two threads")
    require_same(again.validation_loss, history.validation_loss, "validation on two threads")


def _trained(s, **changes):
    net = s.net()
    with contextlib.suppress(DivergedError):
        s.train(net, **changes)
    return net, net.history


def check_learn_one(s):
    if s.case.is_extreme:
        return
    net, (X, y, w) = s.net(), s.copies
    i = int(np.argmax(w[0] > 0))
    X, y = X[:, i:], y[:, i:]
    loss = net.learn_one(s.X[i], s.y[i], lr=0.01)
    twin = s.twin()
    w = np.ones(X[:, :1].shape[:2])
    [expected] = oracle.train(twin, X[:, :1], y[:, :1], w, [np.arange(1)], lr=0.01)
    s.close(loss, expected, "loss of learn_one")
    s.close(net.theta, twin.theta, "weights after learn_one", s.blocks)
    if s.case.sizes[-1] == 1:
        for target in (float(s.case.y[i, 0]), s.case.y[i, 0], s.case.y[i].tolist()):
            other = s.net()
            other.learn_one(s.case.X[i].tolist(), target, lr=0.01)
            require_same(other.theta, net.theta, f"learn_one of a {type(target).__name__}")


def check_twins(s):
    """Saved and loaded, copied, pickled: the same network now and after more training."""
    net = s.net()
    with tempfile.TemporaryDirectory() as folder:
        net.save(Path(folder) / "net")
        twins = [Network.load(Path(folder) / "net"), net.copy(), pickle.loads(pickle.dumps(net))]
    out = net.forward(s.X)
    for name, twin in zip(("load", "copy", "pickle"), twins, strict=True):
        require_same(twin.theta, net.theta, f"weights after {name}")
        require_same(twin.forward(s.X), out, f"forward after {name}")
        require(not np.shares_memory(twin.theta, net.theta), f"{name} shares memory")
    if not s.case.is_extreme:
        (theta, _), *others = [_trained_on(s, twin) for twin in (net, *twins)]
        for other, _ in others:
            require_same(other, theta, "weights after more training of a twin")


def _trained_on(s, net):
    with contextlib.suppress(DivergedError):
        s.train(net)
    return net.theta.copy(), net.history


def check_endings(s):
    """Ended in whatever way, a run leaves the weights of an epoch that its history describes."""
    c, last = s.case, s.case.options["epochs"]
    if c.is_extreme or "patience" in c.options or "tol" in c.options:
        return
    expected, history = _trained(s)
    for ending in (KeyboardInterrupt, RuntimeError, True, np.True_):

        def end(epoch, _, ending=ending):
            if epoch < last or not isinstance(ending, type):
                return ending if epoch == last else False
            raise ending

        net = s.net()
        with contextlib.suppress(DivergedError, KeyboardInterrupt, RuntimeError):
            s.train(net, epochs=last + 3, callback=end)
        require_same(net.theta, expected.theta, f"weights after {ending}")
        require_same(net.history.loss, history.loss, f"history after {ending}")
        if c.loss == "hinge" and (c.y < 0).any():
            found = set(np.unique(net.predict(s.X)).tolist())
            require(found <= {-1, 1}, f"labels {found} after {ending}, trained on -1 and 1")


def check_divergence(s):
    """Steps that are far too long, and the clock: weights are finite, and those of a good epoch."""
    if s.case.is_extreme:
        return
    net, _ = _trained(s, lr=1e4, epochs=50)
    require(np.isfinite(net.theta).all(), "weights that are not finite after large steps")
    if net.history.stopped == "diverged" and net.history.loss and "patience" not in s.case.options:
        expected, _ = _trained(s, lr=1e4, epochs=len(net.history.loss))
        require_same(net.theta, expected.theta, "weights of the last good epoch")
    largest = float(np.finfo(s.case.dtype).max) / 4
    for limit in (1e-9, 1e-3):
        for lr in (1e-3, largest):
            net, history = _trained(s, lr=lr, epochs=10**6, time_limit=limit)
            require(np.isfinite(net.theta).all(), f"weights not finite with time_limit={limit}")
            curves = len(history.loss), len(history.validation_loss)
            require(s.case.validation is None or curves[0] == curves[1], f"curves of {curves}")


def check_labels(s):
    """Hinge gives back the labels it was trained on, however their samples came."""
    c = s.case
    if c.loss != "hinge" or c.is_extreme or len(c.X) < 4:
        return
    for labels in ({0, 1}, {-1, 1}):
        y = np.where(c.y > 0, 1, min(labels))
        if set(np.unique(y)) != labels:
            continue
        net = s.net()
        with contextlib.suppress(DivergedError):
            net.train(s.X, y, epochs=1, lr=1e-3, validation=0.5)
        found = set(np.unique(net.predict(s.X)).tolist())
        require(found <= labels, f"predict gives {found}, trained on {labels}")


CHECKS = [value for name, value in sorted(globals().items()) if name.startswith("check_")]


def run(seed):
    """All checks of one seed; raises where one fails."""
    case = draw(seed)
    try:
        with guarded_scratch(case.at), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            subject = Subject(case)
            for check in CHECKS:
                with np.errstate(all="ignore"):
                    check(subject)
    except Exception as error:
        what = f"{type(error).__name__}: {error} [{check.__name__}; {case}]"
        raise Disagreement(what) from error


if __name__ == "__main__":
    running.main("networks", run)
