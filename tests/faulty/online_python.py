"""One update per sample in plain Python, as first exercises are written."""

from math import exp

from .entry import Faulty


def linear_unit(X, Y, weights, biases, lr, mistake=None):
    """A linear unit by the delta rule, one weight at a time."""
    W, b = weights[0], biases[0]
    for x, y in zip(X, Y, strict=True):
        output = b[0]
        for i in range(len(x)):
            output += W[i, 0] * x[i]
        error = output - y[0] if mistake == "output minus target" else y[0] - output
        if mistake == "derivative of the square":
            error = 2 * error
        if mistake == "square of the error":
            error = -(error**2)
        for i in range(len(x)):
            W[i, 0] += lr * error * x[i]
        if mistake == "no rate for the bias":
            b[0] += error
        elif mistake == "bias by bias":
            b[0] += lr * b[0]
        else:
            b[0] += lr * error


def sigmoid(z):
    return 1 / (1 + exp(-z))


def slope(output):
    return output * (1 - output)


def forward_propagate(network, row):
    inputs = row
    for layer in network:
        for neuron in layer:
            *weights, bias = neuron["weights"]
            total = bias + sum(w * x for w, x in zip(weights, inputs, strict=True))
            neuron["output"] = sigmoid(total)
        inputs = [neuron["output"] for neuron in layer]
    return inputs


def backward_propagate(network, targets, mistake):
    for i in reversed(range(len(network))):
        for j, neuron in enumerate(network[i]):
            output = neuron["output"]
            if i == len(network) - 1:
                error = output - targets[j]
                if mistake == "sum of the errors":
                    error = sum(n["output"] for n in network[i]) - sum(targets)
                missing = mistake == "no slope of the output"
            else:
                error = sum(after["weights"][j] * after["delta"] for after in network[i + 1])
                missing = mistake == "no slope of hidden neurons"
            neuron["delta"] = error if missing else error * slope(output)
            if mistake == "slope again":
                neuron["delta"] *= slope(output)


def update_weights(network, row, lr, mistake):
    for i, layer in enumerate(network):
        before = i > 0 and mistake != "always the row"
        inputs = [neuron["output"] for neuron in network[i - 1]] if before else row
        for neuron in layer:
            for j, value in enumerate(inputs):
                neuron["weights"][j] -= lr * neuron["delta"] * value
            if mistake != "bias forgotten":
                neuron["weights"][-1] -= lr * neuron["delta"]


def neurons(X, Y, weights, biases, lr, mistake=None):
    """Sigmoid neurons as dictionaries, the bias last among the weights."""
    layers = list(zip(weights, biases, strict=True))
    network = [[{"weights": [*W[:, j], b[j]]} for j in range(len(b))] for W, b in layers]
    for row, targets in zip(X, Y, strict=True):
        forward_propagate(network, row)
        backward_propagate(network, targets, mistake)
        update_weights(network, row, lr, mistake)
    for (W, b), layer in zip(layers, network, strict=True):
        for j, neuron in enumerate(layer):
            *W[:, j], b[j] = neuron["weights"]


def named_weights(X, Y, weights, biases, lr, mistake=None):
    """Two inputs, two hidden neurons and one output, each weight under its own name."""
    ((w1, w3), (w2, w4)), ((w5,), (w6,)) = weights
    (b1, b2), (b3,) = biases
    for (x1, x2), (y,) in zip(X, Y, strict=True):
        sum_h1 = w1 * x1 + w2 * x2 + b1
        sum_h2 = w3 * x1 + w4 * x2 + b2
        h1, h2 = sigmoid(sum_h1), sigmoid(sum_h2)
        p = sigmoid(w5 * h1 + w6 * h2 + b3)

        d_sum = (p - y) * slope(p)
        if mistake == "derivative of the square":
            d_sum = 2 * (p - y) * slope(p)
        if mistake == "slope at h":
            s1, s2 = slope(sigmoid(h1)), slope(sigmoid(h2))
        else:
            s1, s2 = slope(sigmoid(sum_h1)), slope(sigmoid(sum_h2))
        d_h1, d_h2 = d_sum * w5 * s1, d_sum * w6 * s2
        if mistake == "w5 and w6 first":
            d_h1 = d_sum * (w5 - lr * d_sum * h1) * s1
            d_h2 = d_sum * (w6 - lr * d_sum * h2) * s2

        w1, w2, b1 = w1 - lr * d_h1 * x1, w2 - lr * d_h1 * x2, b1 - lr * d_h1
        w3, w4, b2 = w3 - lr * d_h2 * x1, w4 - lr * d_h2 * x2, b2 - lr * d_h2
        w5, w6, b3 = w5 - lr * d_sum * h1, w6 - lr * d_sum * h2, b3 - lr * d_sum
    return [[[w1, w3], [w2, w4]], [[w5], [w6]]], [[b1, b2], [b3]]


UNIT = {"sizes": (3, 1)}
NEURONS = {"sizes": (4, 4, 2), "output": "sigmoid", "lr": 0.3}
NAMED = {"sizes": (2, 2, 1), "output": "sigmoid", "lr": 0.1}

FAULTY = [
    Faulty(linear_unit, "online", "derivative of the square", "factor_two", "W1 b1", 1, UNIT),
    Faulty(linear_unit, "online", "square of the error", "error_squared", "W1 b1", 1, UNIT),
    Faulty(linear_unit, "online", "output minus target", "wrong_sign", "W1 b1", 1, UNIT),
    Faulty(linear_unit, "online", "no rate for the bias", "learning_rate_missing", "b1", 1, UNIT),
    Faulty(linear_unit, "online", "bias by bias", "bias_updated_by_itself", "b1", 1, UNIT),
    Faulty(
        neurons, "online", "no slope of the output", "derivative_missing", "W1 b1 W2 b2", 1, NEURONS
    ),
    Faulty(
        neurons, "online", "no slope of hidden neurons", "derivative_missing", "W1 b1", 1, NEURONS
    ),
    Faulty(neurons, "online", "sum of the errors", "error_averaged", "W1 b1 W2 b2", 1, NEURONS),
    Faulty(neurons, "online", "slope again", "derivative_twice", "W1 b1 W2 b2", 1, NEURONS),
    Faulty(neurons, "online", "bias forgotten", "bias_not_updated", "b1 b2", 1, NEURONS),
    Faulty(neurons, "online", "always the row", "activation_off_by_one_layer", "W2", 1, NEURONS),
    Faulty(
        named_weights, "online", "derivative of the square", "factor_two", "W1 b1 W2 b2", 1, NAMED
    ),
    Faulty(named_weights, "online", "slope at h", "derivative_of_activation", "W1 b1", 1, NAMED),
    Faulty(
        named_weights, "online", "w5 and w6 first", "weights_used_after_update", "W1 b1", 1, NAMED
    ),
]
