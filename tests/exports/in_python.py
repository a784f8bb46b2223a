"""Models written in Python, executed, and compared with the library."""

import numpy as np

from export_models import expected
from fastperc.exports.describe import describe
from fastperc.exports.python import to_python
from fastperc.exports.rounding import PER_OPERATION, bounds

TOLERANCE = {"float32": 1e-6, "float64": 1e-12}


def compare(case, numpy):
    """Require that the module says what the model says."""
    plan = describe(case.model)
    names = {}
    exec(compile(to_python(case.model, numpy=numpy), "model.py", "exec"), names)
    outputs, labels, shares = expected(case)
    tolerance = TOLERANCE[plan.dtype.name] * scale_of(plan, case.X)

    def call(name):
        more = () if case.groups is None else (case.groups,)
        if numpy:
            return np.asarray(names[name](case.X, *more))
        rows = zip(case.X.tolist(), *(groups.tolist() for groups in more), strict=True)
        found = np.array([names[name](*row) for row in rows])
        return found.swapaxes(0, 1) if plan.combine == "each" else found

    out = call("outputs")
    if outputs is not None:
        require_close(out, outputs, tolerance)
    if shares is not None:
        require_close(call("predict_proba"), shares, tolerance)
    if labels is None:
        require_close(call("predict"), outputs.reshape(call("predict").shape), tolerance)
    else:
        decision = plan.decision
        sure = np.abs(out - decision.threshold).min(axis=-1) > 1e-4
        if decision.rule == "argmax":
            top = np.sort(out, axis=-1)
            sure = top[..., -1] - top[..., -2] > 1e-4
        mine = call("predict")
        assert mine.shape == labels.shape
        assert np.array_equal(mine[sure], labels[sure])


def scale_of(plan, X):
    """How large the terms are that outputs are added up from: 1 at least."""
    unit = PER_OPERATION * np.finfo(plan.dtype).eps
    off = [bounds(plan, X, np.full(len(X), n)).max() for n in range(plan.n_networks)]
    return max(1.0, max(off) / unit)


def require_close(mine, theirs, tolerance):
    assert mine.shape == theirs.shape
    off = np.abs(mine - theirs).max()
    assert off <= tolerance, f"off by {off:.3g}, allowed {tolerance:.3g}"
