"""Networks of PyTorch as ours and ours as PyTorch's: the same outputs, or a clear refusal."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastperc import Network
from fastperc.model.losses import LOSSES
from networks import HEADS, HIDDEN

torch = pytest.importorskip("torch")
nn = torch.nn

TOLERANCE = {"float32": 1e-6, "float64": 1e-12}


def outputs_of(module, X):
    with torch.no_grad():
        return module(torch.from_numpy(X)).numpy()


def assert_close(found, expected, dtype):
    scale = np.maximum(np.abs(expected), 1)
    assert found.dtype == expected.dtype == dtype
    assert (np.abs(found - expected) / scale).max() <= TOLERANCE[dtype]


@st.composite
def networks(draw):
    output, loss = draw(st.sampled_from(HEADS))
    depth = draw(st.integers(0, 4)) if LOSSES[loss].hidden_layers else 0
    sizes = draw(st.lists(st.integers(1, 9), min_size=depth + 2, max_size=depth + 2))
    if output == "softmax":
        sizes[-1] += 1
    net = Network(
        sizes, hidden=draw(st.tuples(*[st.sampled_from(HIDDEN)] * depth)), output=output,
        loss=loss, dtype=draw(st.sampled_from(["float32", "float64"])),
        bias=draw(st.lists(st.booleans(), min_size=depth + 1, max_size=depth + 1)),
        seed=draw(st.integers(0, 99)),
    )  # fmt: skip
    for b, has_bias in zip(net.biases, net.bias, strict=True):
        if has_bias:
            b[...] = np.random.default_rng(1).uniform(-1, 1, b.shape)
    return net


@settings(max_examples=50, deadline=None)
@given(networks())
def test_there_and_back(net):
    X = np.random.default_rng(0).standard_normal((20, net.sizes[0])).astype(net.dtype)
    module = net.to_torch()
    if net.output not in ("step", "sign"):  # where a sum of nearly 0 falls is up to rounding
        assert_close(outputs_of(module, X), net.forward(X), net.dtype.name)
    back = Network.from_torch(module, loss=net.loss_name)
    assert repr(back) == repr(net)
    assert np.array_equal(back.theta, net.theta)


@pytest.mark.parametrize("output", ["step", "sign"])
def test_perceptrons(output):
    net = Network((3, 2), output=output, loss="perceptron", seed=0, dtype="float64")
    X = np.random.default_rng(0).standard_normal((50, 3))
    X[0] = 0
    assert np.array_equal(outputs_of(net.to_torch(), X), net.forward(X))


def test_weights_are_copies_both_ways_and_no_random_number_is_drawn():
    net = Network((2, 3, 1), seed=0)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    module = net.to_torch()
    assert torch.equal(before, torch.get_rng_state())
    back, theta = Network.from_torch(module), net.theta.copy()
    with torch.no_grad():
        module[0].weight.fill_(9)
    assert np.array_equal(net.theta, theta)
    assert np.array_equal(back.theta, theta)


def test_what_is_made_can_be_saved_by_pytorch():
    file = io.BytesIO()
    net = Network((2, 1), output="exp", loss="poisson", seed=0)
    torch.save(net.to_torch(), file)
    file.seek(0)
    assert Network.from_torch(torch.load(file, weights_only=False)).output == "exp"


def test_modules_that_are_used_twice_count_twice():
    relu = nn.ReLU()
    module = nn.Sequential(
        nn.Linear(2, 3), relu, nn.Sequential(nn.Linear(3, 3), relu), nn.Flatten()
    )
    net = Network.from_torch(module)
    assert (net.sizes, net.hidden, net.output) == ((2, 3, 3), ("relu",), "relu")
    X = np.random.default_rng(0).standard_normal((9, 2)).astype("f4")
    assert_close(net.forward(X), outputs_of(module, X), "float32")


def test_a_network_learns_on_with_the_loss_that_is_given():
    module = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    net = Network.from_torch(module, loss="huber", seed=0)
    X = np.random.default_rng(0).standard_normal((50, 2))
    history = net.train(X, X[:, 0], epochs=5)
    assert history.loss[-1] < history.loss[0]
    assert net.loss_name == "huber"


@pytest.mark.parametrize(
    ("last", "loss"),
    [
        (nn.Identity(), "squared_error"), (nn.Sigmoid(), "log_loss"),
        (nn.Softmax(1), "cross_entropy"), (nn.Softmax(-1), "cross_entropy"),
        (nn.Softplus(), "squared_error"), (nn.Tanh(), "squared_error"),
    ],
)  # fmt: skip
def test_the_loss_goes_with_the_output(last, loss):
    assert Network.from_torch(nn.Sequential(nn.Linear(2, 3), last)).loss_name == loss


def test_pytorchs_softplus_is_off_by_its_threshold_only():
    module = nn.Sequential(nn.Linear(1, 1, dtype=torch.float64), nn.Softplus())
    with torch.no_grad():
        module[0].weight.fill_(1)
        module[0].bias.fill_(0)
    X = np.linspace(-50, 50, 400)[:, None]
    off = np.abs(Network.from_torch(module).forward(X) - outputs_of(module, X))
    assert off[X <= 20].max() < 1e-12
    assert 1e-12 < off.max() < 2.1e-9


def test_dropout_is_left_out_with_a_warning():
    module = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5), nn.ReLU(), nn.Linear(3, 1)).eval()
    with pytest.warns(UserWarning, match=r"model\[1\]: found Dropout"):
        net = Network.from_torch(module)
    X = np.random.default_rng(0).standard_normal((9, 2)).astype("f4")
    assert_close(net.forward(X), outputs_of(module, X), "float32")
    Network.from_torch(nn.Sequential(nn.Linear(2, 3), nn.Dropout(0)))  # drops nothing


def hooked():
    module = nn.Linear(2, 3)
    module.register_forward_pre_hook(lambda module, inputs: inputs)
    return module


class Branch(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


REFUSED = {
    "a convolution": (lambda: nn.Conv1d(2, 3, 1), r"model\[1\]: found torch.nn.*Conv1d"),
    "an activation of another kind": (lambda: nn.GELU(), "GELU"),
    "a norm": (lambda: nn.BatchNorm1d(3), "BatchNorm1d"),
    "a slope": (lambda: nn.LeakyReLU(0.2), r"LeakyReLU\(negative_slope=0.2\)"),
    "an alpha": (lambda: nn.ELU(0.5), r"ELU\(alpha=0.5\)"),
    "a beta": (lambda: nn.Softplus(2), r"Softplus\(beta=2"),
    "a threshold": (lambda: nn.Softplus(1, 5), r"Softplus\(threshold=5"),
    "a softmax over samples": (lambda: nn.Softmax(0), r"Softmax\(dim=0"),
    "a softmax within": (lambda: nn.Sequential(nn.Softmax(1), nn.Linear(3, 2)), "softmax"),
    "two activations": (
        lambda: nn.Sequential(nn.ReLU(), nn.Tanh()),
        r"model\[1\]\[1\]: found Tanh",
    ),
    "layers that do not fit": (lambda: nn.Linear(4, 2), "4 inputs of layer 2, expected 3"),
    "two dtypes": (lambda: nn.Linear(3, 2, dtype=torch.float64), "float32, float64"),
    "half precision": (lambda: nn.Linear(3, 2, dtype=torch.bfloat16), "torch.bfloat16"),
    "a hook": (hooked, "hook"),
    "another forward": (lambda: Branch(nn.Linear(3, 3)), "Branch"),
    "a flatten of all": (lambda: nn.Flatten(0), r"Flatten\(0, -1\)"),
    "a lazy layer": (lambda: nn.LazyLinear(3), "LazyLinear"),
}


@pytest.mark.filterwarnings("ignore:Lazy modules:UserWarning")
@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_plain_network_is_named(what):
    make, message = REFUSED[what]
    with pytest.raises(ValueError, match=message):
        Network.from_torch(nn.Sequential(nn.Linear(2, 3), make()))


def test_what_else_is_refused():
    with pytest.raises(TypeError, match="found list, expected a torch"):
        Network.from_torch([nn.Linear(2, 3)])
    with pytest.raises(ValueError, match="no layer with weights"):
        Network.from_torch(nn.Sequential())
    with pytest.raises(ValueError, match="found ReLU after no Linear"):
        Network.from_torch(nn.Sequential(nn.ReLU(), nn.Linear(2, 3)))
    with pytest.raises(ValueError, match="outputs of softmax, but model ends with identity"):
        Network.from_torch(nn.Linear(2, 3), loss="cross_entropy")
    module = nn.Linear(2, 3)
    with torch.no_grad():
        module.bias[0] = float("nan")
    with pytest.raises(ValueError, match="infinite or NaN"):
        Network.from_torch(module)
