"""`linear.train_linear` once more, in NumPy only: the oracle of its tests; see `reference`.

A row at a time, all outputs of a row at once, and every formula as it stands in the literature. The
order of what happens in a step is scikit-learn's: score, loss, shrinking by L2, step, average, L1.
"""

from types import SimpleNamespace

import numpy as np

from .linear_parts import arguments as codes
from .linear_parts.arguments import N_FIELDS, RECORD, as_record
from .reference import sigmoid, softmax

LARGEST_SLOPE = 1e12  # scikit-learn's


def train_linear(samples, model, first, last, scores, outputs):
    """Take the steps ``first <= step < last``; see `linear.train_linear`. Takes no scratch."""
    linear = Linear(model)
    for step in range(first, last):
        row = samples.order[step] if len(samples.order) else step
        z = linear.learn(*row_and_columns(samples, row), *target_and_weights(samples, row))
        if len(outputs):
            outputs[step - first] = z
    linear.store()


def row_and_columns(samples, row):
    """Return a row's values, and which columns they are in."""
    if len(samples.starts):
        stored = slice(samples.starts[row], samples.starts[row + 1])
        return samples.X[stored].astype(float), samples.columns[stored]
    x = samples.X[row].astype(float)
    return x, np.arange(len(x))


def target_and_weights(samples, row):
    """Return a row's target, the factor of its steps, and that of its class."""
    y = float(samples.y[row])
    weight = float(samples.weight[row]) if len(samples.weight) else 1.0
    return y, weight, samples.class_weight[int(y)] if len(samples.class_weight) else 1.0


class Linear:
    """A `LinearModel` with names for its parts: views, and a copy of the record."""

    def __init__(self, model):
        self.coef, self.memory = model.coef, model.memory
        self.stored = as_record(model.state)
        self.record = SimpleNamespace(**{name: self.stored[name].item() for name in RECORD.names})
        n = len(self.coef)
        self.b = model.state[N_FIELDS : N_FIELDS + n]
        self.b_memory = model.state[N_FIELDS + n : N_FIELDS + 2 * n]

    def store(self):
        """Write the record back into the model."""
        for name in RECORD.names:
            self.stored[name] = getattr(self.record, name)

    def learn(self, x, columns, y, weight, class_weight):
        """Learn one row; return its scores from before."""
        record = self.record
        z = record.scale * (self.coef[:, columns] @ x) + self.b
        targets, weights = self.targets(y), self.weights(y, weight, class_weight)
        losses, slopes = LOSSES[record.loss](z, targets, record.epsilon)
        slopes = np.clip(slopes, -LARGEST_SLOPE, LARGEST_SLOPE)
        self.count(z, y, losses)
        if record.schedule == codes.PA1 and x @ x == 0:
            return z
        if record.rule == codes.SCALED:
            self.step_scaled(x, columns, self.steps(x, losses, slopes) * weights)
        else:
            self.step_each(x, columns, slopes * weights)
        record.t += 1
        return z

    # --- what is learned -------------------------------------------------------------------------

    def targets(self, y):
        """Return the target of each output: of several, of the class against the others."""
        if self.record.n_outputs == 1:
            return np.array([y])
        rest = 0.0 if self.record.loss in (codes.LOG_LOSS, codes.SOFTMAX) else -1.0
        return np.where(np.arange(self.record.n_outputs) == y, 1.0, rest)

    def weights(self, y, weight, class_weight):
        """Return the factor of each output's step."""
        is_concerned = np.arange(self.record.n_outputs) == y
        if self.record.loss == codes.SOFTMAX:
            is_concerned[:] = True
        return weight * np.where(is_concerned, class_weight, 1.0)

    def count(self, z, y, losses):
        """Add up losses, penalties and mistakes before the step."""
        record = self.record
        if record.n_outputs > 1:
            record.mistakes += z.argmax() != y
        elif record.loss <= codes.LOG_LOSS:
            record.mistakes += z[0] * (1 if y > 0 else -1) <= 0
        if record.tracks_loss:
            record.loss_sum += losses.sum()
            if record.schedule not in (codes.PA1, codes.PA2) and record.rule != codes.FTRL:
                record.penalty_sum += record.l2 / 2 * record.squares + record.l1 * record.absolutes

    def measure(self):
        """Renew the sums of squares and of absolute values of all coefficients."""
        w = self.record.scale * self.coef
        self.record.squares, self.record.absolutes = (w**2).sum(), np.abs(w).sum()

    # --- a scaled vector -------------------------------------------------------------------------

    def learning_rate(self):
        record = self.record
        if record.schedule == codes.OPTIMAL:
            return 1 / (record.alpha * (record.t0 + record.t - 1))
        if record.schedule == codes.INVSCALING:
            return record.eta0 / record.t**record.power_t
        return record.eta

    def steps(self, x, losses, slopes):
        """Return what the row is multiplied by for each output, weights apart."""
        if self.record.schedule == codes.PA1:
            return -np.sign(slopes) * np.minimum(self.record.eta0, losses / (x @ x))
        if self.record.schedule == codes.PA2:
            return -np.sign(slopes) * losses / (x @ x + 0.5 / self.record.eta0)
        return -self.learning_rate() * slopes

    def step_scaled(self, x, columns, steps):
        """Add to each output's coefficients its step times the row; pay penalties, average."""
        record, eta = self.record, self.learning_rate()
        if record.l2 > 0:
            self.shrink(max(0.0, 1 - record.l2 * eta))
        self.coef[:, columns] += np.outer(steps / record.scale, x)
        if record.fits_intercept:
            self.b += steps * record.intercept_decay
        record.updates += np.count_nonzero(steps)
        if np.any(steps != 0):
            self.measure()
        if 0 < record.average_from <= record.t:
            self.average(x, columns, steps)
        if record.l1 > 0:
            record.owed += record.l1 * eta
            self.pay(columns)

    def shrink(self, factor):
        record = self.record
        record.scale *= factor
        record.squares *= factor**2
        record.absolutes *= factor
        if record.scale < (1e-9 if self.coef.dtype == np.float64 else 1e-6):
            if record.average_from > 0:
                self.memory[0] = (self.memory[0] + record.average_a * self.coef) / record.average_b
            self.coef *= record.scale
            record.average_a, record.average_b, record.scale = 0.0, 1.0, 1.0

    def average(self, x, columns, steps):
        """Take this step's coefficients into the average (Xu 2011; Bottou 2012)."""
        record = self.record
        n = record.t - record.average_from + 1
        self.memory[0][:, columns] -= np.outer(record.average_a * steps / record.scale, x)
        if n > 1:
            record.average_b /= 1 - 1 / n
        record.average_a += record.average_b * record.scale / n
        self.b_memory += (self.b - self.b_memory) / n

    def pay(self, columns):
        """Let the row's columns pay the L1 they owe (Tsuruoka, Tsujii, Ananiadou 2009)."""
        owed, scale = self.record.owed, self.record.scale
        w, paid = self.coef[:, columns], self.memory[-1][:, columns]
        above = np.maximum(0, w - (owed + paid) / scale)
        below = np.minimum(0, w + (owed - paid) / scale)
        new = np.where(w > 0, above, np.where(w < 0, below, w))
        self.memory[-1][:, columns] += scale * (new - w)
        self.coef[:, columns] = new

    # --- a learning rate for each coefficient ----------------------------------------------------

    def step_each(self, x, columns, slopes):
        """Take AdaGrad's or FTRL's step in the columns where the row is not 0."""
        columns, g = columns[x != 0], np.outer(slopes, x[x != 0])
        there = np.ix_(range(len(self.coef)), columns)
        if self.record.rule == codes.ADAGRAD:
            self.adagrad(there, g)
        else:
            self.ftrl(there, g)
        if self.record.fits_intercept:
            self.move_intercepts(slopes)
        self.record.updates += np.count_nonzero(slopes)
        self.measure()

    def adagrad(self, there, g):
        """Step by composite mirror descent (Duchi, Hazan, Singer 2011, section 5)."""
        record, G = self.record, self.memory[-1]
        G[there] += g**2
        rate = record.eta0 / (np.sqrt(G[there]) + record.beta)
        moved = (self.coef[there] - rate * g) / (1 + rate * record.l2)
        self.coef[there] = soft(moved, rate * record.l1 / (1 + rate * record.l2))

    def ftrl(self, there, g):
        """Step by FTRL-proximal (McMahan et al. 2013, algorithm 1)."""
        record, z, n = self.record, self.memory[-2], self.memory[-1]
        sigma = (np.sqrt(n[there] + g**2) - np.sqrt(n[there])) / record.eta0
        z[there] += g - sigma * self.coef[there]
        n[there] += g**2
        strength = record.l2 + (record.beta + np.sqrt(n[there])) / record.eta0
        self.coef[there] = -soft(z[there], record.l1) / strength

    def move_intercepts(self, g):
        """Step as for a column of ones without penalties.

        FTRL's z of it follows from its value: ``b = -z / strength``.
        """
        record, before = self.record, np.sqrt(self.b_memory)
        self.b_memory += g**2
        after = np.sqrt(self.b_memory)
        if record.rule == codes.ADAGRAD:
            self.b -= record.eta0 / (after + record.beta) * g
            return
        z = -self.b * (record.beta + before) / record.eta0
        z += g - (after - before) / record.eta0 * self.b
        self.b[:] = -z / ((record.beta + after) / record.eta0)


def soft(v, s):
    """Move ``v`` towards 0 by ``s``, and no further."""
    return np.sign(v) * np.maximum(np.abs(v) - s, 0)


# --- losses: of each output, and their derivatives by the score -------------------------------


def hinge(z, y, epsilon):
    is_short = y * z <= epsilon
    return np.where(is_short, epsilon - y * z, 0), np.where(is_short, -y, 0)


def squared_hinge(z, y, epsilon):
    short = np.maximum(0, 1 - y * z)
    return short**2, -2 * y * short


def modified_huber(z, y, epsilon):
    loss, slope = squared_hinge(z, y, epsilon)
    is_far = y * z < -1
    return np.where(is_far, -4 * y * z, loss), np.where(is_far, -4 * y, slope)


def log_loss(z, y, epsilon):
    sign = np.where(y > 0, 1, -1)
    return np.logaddexp(0, -sign * z), -sign * sigmoid(-sign * z)


def squared_error(z, y, epsilon):
    return (z - y) ** 2 / 2, z - y


def huber(z, y, epsilon):
    size = np.abs(z - y)
    loss = np.where(size <= epsilon, size**2 / 2, epsilon * (size - epsilon / 2))
    return loss, np.clip(z - y, -epsilon, epsilon)


def epsilon_insensitive(z, y, epsilon):
    beyond = np.maximum(0, np.abs(z - y) - epsilon)
    return beyond, np.sign(z - y) * (beyond > 0)


def squared_epsilon_insensitive(z, y, epsilon):
    beyond, sign = epsilon_insensitive(z, y, epsilon)
    return beyond**2, 2 * beyond * sign


def cross_entropy(z, y, epsilon):
    log_p = z - z.max() - np.log(np.exp(z - z.max()).sum())
    return -y * log_p, softmax(z) - y


LOSSES = {
    codes.HINGE: hinge,
    codes.SQUARED_HINGE: squared_hinge,
    codes.MODIFIED_HUBER: modified_huber,
    codes.LOG_LOSS: log_loss,
    codes.SQUARED_ERROR: squared_error,
    codes.HUBER: huber,
    codes.EPSILON_INSENSITIVE: epsilon_insensitive,
    codes.SQUARED_EPSILON_INSENSITIVE: squared_epsilon_insensitive,
    codes.SOFTMAX: cross_entropy,
}
