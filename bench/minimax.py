"""Compute the coefficients in ``kernels/elementary.py``: ``python bench/minimax.py``.

Remez exchange in 160-bit arithmetic: of all polynomials with that many coefficients, the one whose
largest relative error *in the function made of it* (not in the polynomial itself) is smallest. The
errors printed are those after rounding the coefficients to the dtype.
"""

import mpmath
import numpy as np
from mpmath import mp, mpf

PRECISION = 160
POINTS_PER_COEFFICIENT = 200
TOLERANCE = 1e-5  # by how much the largest error may exceed the levelled one


def exp_tail(r):
    """Return (exp(r) - 1 - r) / r**2."""
    return (mpmath.expm1(r) - r) / r**2 if r else mpf(1) / 2


def exp_weight(r):
    """Return the relative change of exp(r) by an error in `exp_tail`; never quite 0."""
    return (r**2 + mpf(10) ** -30) / mpmath.exp(r)


def artanh_tail(z):
    """Return (2 artanh(s) - 2 s) / (s z) for z = s**2."""
    s = mpmath.sqrt(z)
    return (2 * mpmath.atanh(s) / s - 2) / z if z else mpf(2) / 3


def artanh_weight(z):
    """Return the relative change of 2 artanh(s) by an error in `artanh_tail`; never quite 0."""
    s = mpmath.sqrt(z)
    return z * s / (2 * mpmath.atanh(s)) if z else mpf(10) ** -30


def grid(low, high, n):
    """Return ``n + 1`` points, closer together towards the ends."""
    return [low + (high - low) * (1 - mpmath.cos(mp.pi * i / n)) / 2 for i in range(n + 1)]


def levelled(function, weight, points):
    """Return the coefficients with weighted errors +E, -E, +E, ... at ``points``, and E."""
    n = len(points) - 1
    matrix = mpmath.matrix(n + 1, n + 1)
    for i, x in enumerate(points):
        for j in range(n):
            matrix[i, j] = x**j
        matrix[i, n] = (-1) ** i / weight(x)
    solution = list(mpmath.lu_solve(matrix, mpmath.matrix([function(x) for x in points])))
    return solution[:-1], abs(solution[-1])


def peaks(points, errors):
    """Return the point of the largest error in each run of errors with one sign."""
    best = []
    for x, e in zip(points, errors, strict=True):
        if best and best[-1][1] * e > 0:
            best[-1] = max(best[-1], (x, e), key=lambda peak: abs(peak[1]))
        else:
            best.append((x, e))
    return [x for x, _ in best]


def minimax(function, weight, low, high, n):
    """Return the ``n`` coefficients, lowest first, with the smallest largest error."""
    points = grid(low, high, n)
    fine = grid(low, high, POINTS_PER_COEFFICIENT * n)
    for _ in range(30):
        coefficients, level = levelled(function, weight, points)
        errors = [weight(x) * (function(x) - value(coefficients, x)) for x in fine]
        if max(map(abs, errors)) < level * (1 + TOLERANCE):
            return coefficients
        points = peaks(fine, errors)
        if len(points) != n + 1:
            raise ArithmeticError(f"expected {n + 1} peaks of the error, found {len(points)}")
    raise ArithmeticError("the errors did not level out in 30 rounds")


def value(coefficients, x):
    return mpmath.fsum(c * x**power for power, c in enumerate(coefficients))


def polynomials():
    """Yield names as in `elementary`, coefficients rounded to the dtype, and their error."""
    half = mpmath.log(2) / 2
    for name, dtype, n in (("EXP_32", np.float32, 5), ("EXP_64", np.float64, 10)):
        yield name, *rounded(dtype, exp_tail, exp_weight, -half, half, n)
    for name, dtype, n in (("ARTANH_32", np.float32, 4), ("ARTANH_64", np.float64, 10)):
        yield name, *rounded(dtype, artanh_tail, artanh_weight, mpf(0), mpf(1) / 9, n)


def rounded(dtype, function, weight, low, high, n):
    exact = minimax(function, weight, low, high, n)
    coefficients = [dtype(mpmath.nstr(c, 25)) for c in exact]
    used = [mpf(float(c)) for c in coefficients]
    error = max(weight(x) * abs(function(x) - value(used, x)) for x in grid(low, high, 1000))
    return coefficients, error


def main():
    with mpmath.workprec(PRECISION):
        for name, coefficients, error in polynomials():
            print(f"{name}: largest relative error {mpmath.nstr(error, 2)}")
            print(*coefficients, sep=",\n")


if __name__ == "__main__":
    main()
