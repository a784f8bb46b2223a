"""One step against PyTorch in float64, where PyTorch is installed."""

import numpy as np
import pytest

from networks import problem

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

ACTIVATIONS = {
    "identity": torch.nn.Identity,
    "sigmoid": torch.nn.Sigmoid,
    "tanh": torch.nn.Tanh,
    "relu": torch.nn.ReLU,
    "leaky_relu": torch.nn.LeakyReLU,
    "elu": torch.nn.ELU,
    "softplus": torch.nn.Softplus,
}
functional = torch.nn.functional
LOSSES = {
    "squared_error": lambda z, y: 0.5 * ((z - y) ** 2).sum(1).mean(),
    "absolute_error": lambda z, y: (z - y).abs().sum(1).mean(),
    "huber": lambda z, y: functional.huber_loss(z, y, reduction="none").sum(1).mean(),
    "poisson": lambda z, y: functional.poisson_nll_loss(z, y, reduction="none").sum(1).mean(),
    "log_loss": lambda z, y: (
        functional.binary_cross_entropy_with_logits(z, y, reduction="none").sum(1).mean()
    ),
    "cross_entropy": functional.cross_entropy,
    "hinge": lambda z, y: torch.relu(1 - y * z).sum(1).mean(),
}
HEADS = {"poisson": "exp", "log_loss": "sigmoid", "cross_entropy": "softmax"}
OPTIMIZERS = {
    "sgd": ({}, lambda p: torch.optim.SGD(p, lr=0.05)),
    "momentum": ({"momentum": 0.9}, lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9)),
    "adam": ({"optimizer": "adam"}, lambda p: torch.optim.Adam(p, lr=0.05)),
    "rprop": ({"optimizer": "rprop"}, lambda p: torch.optim.Rprop(p, lr=0.05)),
}


def twin(net):
    layers = []
    for W, b, name in zip(net.weights, net.biases, (*net.hidden, "identity"), strict=True):
        linear = torch.nn.Linear(*W.shape, dtype=torch.float64)
        linear.weight.data, linear.bias.data = torch.tensor(W.T.copy()), torch.tensor(b.copy())
        layers += [linear, ACTIVATIONS[name]()]
    return torch.nn.Sequential(*layers)


def compare(p, optimizer, steps, loss):
    options, make = OPTIMIZERS[optimizer]
    model = twin(p.net)
    rule = make(model.parameters())
    X, y = torch.tensor(p.X.copy()), torch.tensor(p.y.copy())
    for _ in range(steps):
        rule.zero_grad()
        LOSSES[loss](model(X), y).backward()
        rule.step()
    p.net.train(p.X, p.y, epochs=steps, lr=0.05, batch_size=len(p.X), shuffle=False, **options)
    for W, b, linear in zip(p.net.weights, p.net.biases, model[::2], strict=True):
        for ours, theirs in ((W.T, linear.weight), (b, linear.bias)):
            np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("hidden", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_one_full_batch_step(loss, hidden):
    p = problem((5, 9, 4, 3), hidden=hidden, head=(HEADS.get(loss, "identity"), loss))
    compare(p, "sgd", 1, loss)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_five_steps_of_each_rule(optimizer):
    compare(problem((5, 9, 3)), optimizer, 5, "squared_error")
