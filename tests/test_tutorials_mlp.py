import numpy as np
import pytest
from finite_differences import numeric_gradient, relative_error

from fastperc import DivergedError
from fastperc.kernels.tutorials import reference
from fastperc.tutorials import MLP

NAMES = ("w1", "w2", "w3", "b1", "b2")


def parameters(model):
    return np.array([getattr(model, name) for name in NAMES])


def trained(epoch, **attributes):
    model = MLP([(2, 2)], [17])
    for name, value in attributes.items():
        setattr(model, name, value)
    model.train(epoch)
    return model


@pytest.fixture
def several():
    random = np.random.default_rng(3)
    X = random.normal(size=(7, 2))
    return X, X[:, 0] - 2 * X[:, 1] + 0.5


def test_the_trace_has_the_bits_of_the_loop():
    assert np.array_equal(
        trained(1000).trace, reference.train_chain([(2, 2)], np.array([17]), 1000)
    )


def test_the_trace_of_several_samples_has_the_bits_of_the_loop(several):
    X, y = several
    model = MLP(X, y)
    model.train(50)
    assert np.array_equal(model.trace, reference.train_chain(X, y, 50))


def test_ends_where_the_tutorial_says():
    model = trained(1000)
    assert f"{model.pred:.4f}" == "16.9902"
    assert f"{model.trace[-1, 0]:.8e}" == "9.54880085e-05"


def test_the_step_is_the_gradient():
    model = MLP([(2, 2)], [17])
    for name, value in zip(NAMES, (0.5, -0.3, 1.2, 0.4, -0.1), strict=True):
        setattr(model, name, value)
    before = parameters(model)
    model.forward((1.5, -0.5))
    model.backward((1.5, -0.5), 2.0)

    def loss(p):
        return (2.0 - (p[2] * (p[0] * 1.5 + p[1] * -0.5 + p[3]) + p[4])) ** 2

    (gradient,) = numeric_gradient(loss, [before])
    assert relative_error((before - parameters(model)) / model.lr, gradient) < 1e-8


def test_forward_and_backward_are_what_train_does(several):
    X, y = several
    by_hand, trained_model = MLP(X, y), MLP(X, y)
    for x, target in zip(X, y, strict=True):
        by_hand.forward(x)
        by_hand.backward(x, target)
    trained_model.train(epoch=1)
    assert np.array_equal(parameters(by_hand), parameters(trained_model))
    assert (by_hand.h1, by_hand.pred) == (trained_model.h1, trained_model.pred)


def test_each_pass_reads_the_row_it_is_given(several):
    X, y = several
    model = MLP(X, y)
    model.forward(X[3])
    assert model.pred == X[3].sum()  # all weights 1, biases 0


def test_the_trace_goes_on_over_calls_and_kernel_calls(monkeypatch):
    model = trained(400)
    monkeypatch.setattr("fastperc.tutorials.slicing.WORK_PER_CALL", 20 * 7)
    model.train(600)
    assert np.array_equal(model.trace, trained(1000).trace)
    assert (model.h1, model.pred) == (trained(1000).h1, trained(1000).pred)


def test_verbose_prints_every_step(capsys):
    model = MLP([(2, 2)], [17])
    model.train(2)
    model.train(2, verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["step 2", "step 3"]
    assert lines[1].endswith(f"b2 {model.b2:.8g}")


def test_divergence_keeps_the_last_good_step():
    model = MLP([(2, 2)], [17])
    model.lr = 5.0
    with pytest.raises(DivergedError, match="lr=5 is too large") as caught:
        model.train(1000)
    assert caught.value.epoch == len(model.trace) + 1
    assert np.all(np.isfinite(model.trace))
    assert np.array_equal(parameters(model), model.trace[-1, 2:])


def test_divergence_in_the_first_step_changes_nothing():
    model = MLP([(1e200, 1e200)], [0.0])
    with pytest.raises(DivergedError, match="epoch 1"):
        model.train(5)
    assert parameters(model).tolist() == [1, 1, 1, 0, 0]
    assert model.trace.shape == (0, 7)


BAD = {
    "columns": (lambda: MLP([(1, 2, 3)], [1]), ValueError, "X: found 3 columns"),
    "vector": (lambda: MLP([1, 2], [1]), ValueError, "X: found 1 dimension"),
    "lengths": (lambda: MLP([(1, 2)], [1, 2]), ValueError, "2 in y"),
    "nan": (lambda: MLP([(1, np.nan)], [1]), ValueError, "X: found nan"),
    "text": (lambda: MLP([(1, 2)], ["one"]), TypeError, "y: found"),
    "empty": (lambda: MLP(np.empty((0, 2)), []), ValueError, "X: found no data"),
    "no epochs": (lambda: trained(0), ValueError, "epoch: found 0"),
    "no rate": (lambda: trained(1, lr=0.0), ValueError, "lr: found 0"),
    "infinite rate": (lambda: trained(1, lr=np.inf), ValueError, "lr: found inf"),
    "parameter": (lambda: trained(1, w2=np.nan), ValueError, "parameters: found nan"),
    "row": (lambda: MLP([(1, 2)], [1]).forward((1, 2, 3)), ValueError, "x: found 3"),
    "target": (lambda: MLP([(1, 2)], [1]).backward((1, 2), "x"), TypeError, "y: found 'x'"),
}


@pytest.mark.parametrize(("call", "error", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
