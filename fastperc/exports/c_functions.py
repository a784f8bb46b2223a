"""The C functions that exported files are put together from: elementary functions, layers, losses.

Written as C with three abbreviations, which `spelled_out` spells out: ``real`` is the model's type,
``p_`` stands before every name, and numbers with a point get the suffix of the type. Coefficients
are those of `kernels.elementary`; so are the formulas, one lane of them: with the same roundings,
in the same order, so that without contraction the results have the same bits.
"""

from __future__ import annotations

import re

import numpy as np

from ..kernels import activations, elementary

TOKEN = re.compile(
    r"@\{(?P<verbatim>.*?)\}@|(?P<comment>/\*.*?\*/)|(?P<text>\"(?:\\.|[^\"\\])*\")|(?P<constant>\$\w+)|(?P<name>\b(?:p_\w+|real|weight)\b)"
    r"|(?P<number>(?<![\w.])(?:\d+\.\d*(?:e[-+]?\d+)?|\d+e[-+]?\d+)(?![\w.]))",
    re.DOTALL,
)
CALLED = re.compile(r"\bp_(\w+)\(")

# What follows the first terms of exp(r) - 1, and the polynomial of log(1 + f).
TAILS = {
    "float32": (
        "(s * $EXP_2 + s * $EXP_3 * r) + r2 * (s * $EXP_4)",
        "($ARTANH_0 + $ARTANH_1 * z) + z2 * ($ARTANH_2 + $ARTANH_3 * z)",
    ),
    "float64": (
        "((s * $EXP_2 + s * $EXP_3 * r) + r2 * (s * $EXP_4 + s * $EXP_5 * r))\n"
        "                        + r4 * ((s * $EXP_6 + s * $EXP_7 * r)"
        " + r2 * (s * $EXP_8 + s * $EXP_9 * r))",
        "(($ARTANH_0 + $ARTANH_1 * z) + z2 * ($ARTANH_2 + $ARTANH_3 * z))\n"
        "        + z2 * z2 * ((($ARTANH_4 + $ARTANH_5 * z) + z2 * ($ARTANH_6 + $ARTANH_7 * z))\n"
        "        + z2 * z2 * ($ARTANH_8 + $ARTANH_9 * z))",
    ),
}

TEXT = {
    "power_of_two": """
/* 2**k for a whole k within the range of normal numbers. */
static real p_power_of_two(real k)
{
    union { $bits bits; real number; } u;
    u.bits = ($bits)(($int)(k == k ? k : 0.0) + $exponent_bias) << $mantissa_bits;
    return u.number;
}
""",
    "whole": """
/* The nearest whole number, for |v| far below what is added and subtracted again. */
static real p_whole(real v)
{
    real sum = v + $SHIFT;
    return sum - $SHIFT;
}
""",
    "expm1_rest": """
/* s * (exp(r) - 1) for r = x - k ln(2), s a power of two. */
static real p_expm1_rest(real s, real x, real k)
{
    real r = (x - k * $LN2_0) - k * $LN2_1;
    real r2 = r * r, r4 = r2 * r2;
    real head = s * r + r2 * (s * $EXP_0 + s * $EXP_1 * r);
    return head + r4 * ($exp_tail);
}
""",
    "exp": """
/* e**x, scaled in two steps, since 2**k may be out of range. */
static real p_exp(real x)
{
    real low = x < $EXP_LOWEST ? $EXP_LOWEST : x;
    real t = low > $EXP_HIGHEST ? $EXP_HIGHEST : low;
    real k = p_whole(t * $LOG2_E), half = p_whole(k * 0.5);
    real s = p_power_of_two(half);
    real y = (s + s * p_expm1_rest(1.0, t, k)) * p_power_of_two(k - half);
    return x > $EXP_HIGHEST ? y * 2.0 : y;
}
""",
    "expm1": """
/* e**x - 1, without cancellation near 0. */
static real p_expm1(real x)
{
    real low = x > $EXPM1_HIGHEST ? $EXPM1_HIGHEST : x;
    real t = low < -40.0 ? -40.0 : low;
    real k = p_whole(t * $LOG2_E);
    real s = p_power_of_two(k - 1.0);
    real y = 2.0 * ((s - 0.5) + p_expm1_rest(s, t, k));
    return x > $EXPM1_HIGHEST ? y * y : y;
}
""",
    "sigmoid": """
/* 1 / (1 + e**-x) = e**r / (e**r + 2**-k), both sides times 2**-64; overflows nowhere. */
static real p_sigmoid(real x)
{
    real low = x > 40.0 ? 40.0 : x;
    real t = low < $EXP_LOWEST ? $EXP_LOWEST : low;
    real k = p_whole(t * $LOG2_E), s = $TWO_TO_MINUS_64;
    real e = p_expm1_rest(s, t, k);
    return (s + e) / ((s + p_power_of_two(-64.0 - k)) + e);
}
""",
    "tanh": """
/* (e**2x - 1) / (e**2x + 1), both sides times 2**-k. */
static real p_tanh(real x)
{
    real size = x < 0.0 ? -x : x;
    real a = size > $TANH_HIGHEST ? $TANH_HIGHEST : size;
    real k = p_whole(a * $TWO_LOG2_E), s = p_power_of_two(0.0 - k);
    real e = p_expm1_rest(1.0, a + a, k);
    real y = ((1.0 - s) + e) / ((1.0 + s) + e);
    return x > 0.0 ? y : (x < 0.0 ? -y : x);
}
""",
    "log1p_near_0": """
/* log(1 + f) for f from -0.3 to 1. */
static real p_log1p_near_0(real f)
{
    real s = f / (2.0 + f), z = s * s, z2 = z * z;
    return f - s * (f - z * ($artanh));
}
""",
    "log": """
/* The natural logarithm of a positive number 2**k m, m between the square roots of 1/2 and 2. */
static real p_log(real x)
{
    union { $bits bits; real number; } u;
    real lift = x > $SMALLEST_NORMAL ? 0.0 : 64.0, k, m;
    u.number = x * p_power_of_two(lift);
    k = (real)(($int)(u.bits >> $mantissa_bits) - $exponent_bias) - lift;
    u.bits = (u.bits & $mantissa_mask) | ($bits)$exponent_bias << $mantissa_bits;
    m = u.number > $SQRT_2 ? 0.5 * u.number : u.number;
    k = u.number > $SQRT_2 ? k + 1.0 : k;
    return k * $LN2_0 + (p_log1p_near_0(m - 1.0) + k * $LN2_1);
}
""",
    "log1p": """
/* log(1 + x) for x >= 0. */
static real p_log1p(real x)
{
    return x > 1.0 ? p_log(1.0 + x) : p_log1p_near_0(x);
}
""",
    "softplus": """
/* log(1 + e**x) as max(x, 0) + log(1 + e**-|x|). */
static real p_softplus(real x)
{
    return (x < 0.0 ? 0.0 : x) + p_log1p_near_0(p_exp(x < 0.0 ? x : 0.0 - x));
}
""",
    "softmax": """
/* exp(z) / sum(exp(z)), in place; log(sum(exp(z))) is top + log(1 + what is returned). */
static real p_softmax(real *z, size_t n, real top)
{
    real ones = 0.0, rest = 0.0, above, factor;
    size_t j;
    for (j = 0; j < n; j++) {
        real e = p_exp(z[j] - top), one = e > 0.5 ? 1.0 : 0.0;
        z[j] = e;
        ones += one;
        rest += e - one;
    }
    above = (ones - 1.0) + rest;
    factor = 1.0 / (1.0 + above);
    for (j = 0; j < n; j++)
        z[j] *= factor;
    return above;
}
""",
    "largest": """
static real p_largest(const real *z, size_t n)
{
    real top = z[0];
    size_t j;
    for (j = 1; j < n; j++)
        top = z[j] > top ? z[j] : top;
    return top;
}
""",
    "subtract": """
static void p_subtract(const real *x, const real *shift, size_t n, real *inputs)
{
    size_t i;
    for (i = 0; i < n; i++)
        inputs[i] = x[i] - shift[i];
}
""",
    "multiply": """
static void p_multiply(const real *x, const real *factor, size_t n, real *inputs)
{
    size_t i;
    for (i = 0; i < n; i++)
        inputs[i] = x[i] * factor[i];
}
""",
    "dense": """
/* z = b + x @ w, w (n_in, n_out) in C order; b may be missing. Two sums, as each addition waits for
   the one before. */
static void p_dense(const real *w, const real *b, size_t n_in, size_t n_out, const real *x, real *z)
{
    size_t i, j;
    for (j = 0; j < n_out; j++) {
        const real *column = w + j;
        real even = b ? b[j] : 0.0, odd = 0.0;
        for (i = 0; i + 2 <= n_in; i += 2) {
            even += x[i] * column[i * n_out];
            odd += x[i + 1] * column[(i + 1) * n_out];
        }
        if (i < n_in)
            even += x[i] * column[i * n_out];
        z[j] = even + odd;
    }
}
""",
    "dense_scaled": """
/* z = b + scale * (x @ w), w (n_in, n_out) whole numbers, a scale for each output. */
static void p_dense_scaled(const weight *w, const real *scale, const real *b, size_t n_in,
                           size_t n_out, const real *x, real *z)
{
    size_t i, j;
    for (j = 0; j < n_out; j++) {
        real sum = 0.0;
        for (i = 0; i < n_in; i++)
            sum += x[i] * (real)w[i * n_out + j];
        z[j] = (b ? b[j] : 0.0) + scale[j] * sum;
    }
}
""",
    "backward": """
/* g = w @ d: what the deltas of a layer say of its inputs. */
static void p_backward(const real *w, size_t n_in, size_t n_out, const real *d, real *g)
{
    size_t i, j;
    for (i = 0; i < n_in; i++) {
        real sum = 0.0;
        for (j = 0; j < n_out; j++)
            sum += w[i * n_out + j] * d[j];
        g[i] = sum;
    }
}
""",
    "step": """
/* w -= lr * outer(x, d), b -= lr * d. */
static void p_step(real *w, real *b, size_t n_in, size_t n_out, real lr, const real *x,
                   const real *d)
{
    size_t i, j;
    for (i = 0; i < n_in; i++) {
        real s = lr * x[i];
        for (j = 0; j < n_out; j++)
            w[i * n_out + j] -= s * d[j];
    }
    for (j = 0; b && j < n_out; j++)
        b[j] -= lr * d[j];
}
""",
}

# One weighted sum to one output, and a delta ``d`` by the output times the slope there, from ``a``.
ACTIVATIONS = {
    "sigmoid": ("p_sigmoid(z)", "d * (a * (1.0 - a))"),
    "tanh": ("p_tanh(z)", "d * (1.0 - a * a)"),
    "relu": ("z < 0.0 ? 0.0 : z", "a > 0.0 ? d : 0.0"),
    "leaky_relu": ("z > 0.0 ? z : $LEAK * z", "a > 0.0 ? d : $LEAK * d"),
    "elu": ("z > 0.0 ? z : p_expm1(z)", "a > 0.0 ? d : d * (a + 1.0)"),
    "softplus": ("p_softplus(z)", "d * (0.0 - p_expm1(0.0 - a))"),
    "exp": ("p_exp(z)", "d * a"),
    "step": ("z < 0.0 ? 0.0 : (z >= 0.0 ? 1.0 : z)", ""),
    "sign": ("z < 0.0 ? -1.0 : (z >= 0.0 ? 1.0 : z)", ""),
}

# Of one output a (of the weighted sum z) and its target y: the loss, and d, its derivative by a, or
# by z for those whose names are in `BY_SUM`.
LOSSES = {
    "squared_error": "d = a - y; loss += 0.5 * d * d;",
    "absolute_error": "d = a > y ? 1.0 : (a < y ? -1.0 : 0.0); loss += d * (a - y);",
    "huber": """
        d = a - y;
        d = d > 1.0 ? 1.0 : (d < -1.0 ? -1.0 : d);
        loss += d * ((a - y) - 0.5 * d);""",
    "hinge": """
        d = 1.0 - y * a > 0.0 ? -y : 0.0;
        loss += 1.0 - y * a > 0.0 ? 1.0 - y * a : 0.0;""",
    "perceptron": "d = a - y; loss += d * z;",
    "log_loss": """
        d = a - y;
        loss += ((z < 0.0 ? 0.0 : z) - y * z) + p_softplus(z < 0.0 ? z : 0.0 - z);""",
    "poisson exp": """
        d = a - y;
        loss += d + y * (p_log(y > 0.0 ? y : 1.0) - z);""",
    "poisson softplus": """
        d = 0.0 - p_expm1(0.0 - a);
        d -= y * (a > 1e-30 ? d / a : 1.0);
        loss += a - y;
        loss += y * p_log(y > 0.0 ? y : 1.0);
        loss -= y * (z > -15.0 ? p_log(a) : z - 0.5 * p_exp(z));""",
}
BY_SUM = ("perceptron", "log_loss", "poisson exp", "poisson softplus")

ELEMENTWISE_LOSS = """
/* End the forward pass: from weighted sums to outputs, their deltas and the loss. */
static real p_loss_and_delta(real *sums, const real *targets, size_t n, real *deltas)
{
    real loss = 0.0;
    size_t k;
    for (k = 0; k < n; k++) {
        real z = sums[k], y = targets[k], a = ACTIVATED, d;
        LOSS
        sums[k] = a;
        deltas[k] = SLOPED;
    }
    return loss;
}
"""

CROSS_ENTROPY = """
/* End the forward pass: from weighted sums to probabilities, their deltas and the loss. */
static real p_loss_and_delta(real *sums, const real *targets, size_t n, real *deltas)
{
    real loss = 0.0, top = p_largest(sums, n), log_sum;
    size_t k;
    for (k = 0; k < n; k++)
        deltas[k] = sums[k];
    log_sum = p_log1p(p_softmax(sums, n, top));
    for (k = 0; k < n; k++) {
        loss += targets[k] * ((top - deltas[k]) + log_sum);
        deltas[k] = sums[k] - targets[k];
    }
    return loss;
}
"""

LOSS_OF_SHARES = """
/* End the forward pass: from weighted sums to shares, their deltas and the loss. */
static real p_loss_and_delta(real *sums, const real *targets, size_t n, real *deltas)
{
    real loss = 0.0, mean = 0.0;
    size_t k;
    (void)p_softmax(sums, n, p_largest(sums, n));
    for (k = 0; k < n; k++) {
        real a = sums[k], y = targets[k], d;
        LOSS
        deltas[k] = d;
        mean += d * a;
    }
    for (k = 0; k < n; k++)
        deltas[k] = sums[k] * (deltas[k] - mean);
    return loss;
}
"""


def activation(name: str) -> str:
    """Return the function that replaces weighted sums by outputs."""
    return f"""
static void p_{name}_layer(real *sums, size_t n)
{{
    size_t k;
    for (k = 0; k < n; k++) {{
        real z = sums[k];
        sums[k] = {ACTIVATIONS[name][0]};
    }}
}}
"""


def slope(name: str) -> str:
    """Return the function that multiplies deltas by the slope of an activation at its outputs."""
    return f"""
static void p_{name}_slope(const real *outputs, real *deltas, size_t n)
{{
    size_t k;
    for (k = 0; k < n; k++) {{
        real a = outputs[k], d = deltas[k];
        deltas[k] = {ACTIVATIONS[name][1]};
    }}
}}
"""


def loss_and_delta(loss: str, output: str) -> str:
    """Return the function that ends the forward pass of a training step."""
    if loss == "cross_entropy":
        return CROSS_ENTROPY
    if output == "softmax":
        return LOSS_OF_SHARES.replace("LOSS", LOSSES[loss].strip())
    name = f"{loss} {output}" if loss == "poisson" else loss
    activated, sloped = ACTIVATIONS.get(output, ("z", "d"))
    sloped = "d" if name in BY_SUM else sloped
    text = ELEMENTWISE_LOSS.replace("LOSS", LOSSES[name].strip())
    return text.replace("ACTIVATED", activated).replace("SLOPED", sloped)


# --- spelling out ---------------------------------------------------------------------------------


def constants(dtype: np.dtype) -> dict[str, str]:
    """Return what stands for each ``$NAME``, in C, in one precision."""
    is_double = dtype == np.float64
    pick = (lambda pair: pair[1]) if is_double else (lambda pair: pair[0])
    _smallest, normal, _largest = pick((elementary.RANGE_32, elementary.RANGE_64))
    lowest, highest = pick((elementary.EXP_DOMAIN_32, elementary.EXP_DOMAIN_64))
    numbers = {
        "SHIFT": pick((elementary.SHIFT_32, elementary.SHIFT_64)),
        "EXP_LOWEST": lowest, "EXP_HIGHEST": highest,
        "EXPM1_HIGHEST": pick((88.0, 709.0)), "TANH_HIGHEST": pick((10.0, 20.0)),
        "TWO_LOG2_E": 2.0 * elementary.LOG2_E, "LOG2_E": elementary.LOG2_E,
        "TWO_TO_MINUS_64": 2.0**-64, "SQRT_2": elementary.SQRT_2, "LEAK": activations.LEAK,
        "SMALLEST_NORMAL": normal,
        **_numbered("LN2", pick((elementary.LN2_32, elementary.LN2_64))),
        **_numbered("EXP", pick((elementary.EXP_32, elementary.EXP_64))),
        **_numbered("ARTANH", pick((elementary.ARTANH_32, elementary.ARTANH_64))),
    }  # fmt: skip
    words = {name: literal(number, dtype) for name, number in numbers.items()}
    mantissa = 52 if is_double else 23
    return words | {
        "bits": pick(("uint32_t", "uint64_t")), "int": pick(("int32_t", "int64_t")),
        "mantissa_bits": str(mantissa), "exponent_bias": pick(("127", "1023")),
        "mantissa_mask": f"((({pick(('uint32_t', 'uint64_t'))})1 << {mantissa}) - 1)",
    }  # fmt: skip


def _numbered(name: str, values: tuple[float, ...]) -> dict[str, float]:
    return {f"{name}_{i}": value for i, value in enumerate(values)}


def literal(number: float, dtype: np.dtype) -> str:
    """Write a number in C, so that reading it gives the same bits."""
    text = str(dtype.type(number))
    if not np.isfinite(dtype.type(number)):
        raise ValueError(f"weights: found {text}, expected finite numbers. Train again")
    if not any(c in text for c in ".e"):
        text += ".0"
    return text + ("f" if dtype == np.float32 else "")


def spelled_out(text: str, dtype: np.dtype, prefix: str) -> str:
    """Write a template as C: its constants, the suffixes of numbers, the type and the prefix."""
    words = constants(dtype)
    suffix = "f" if dtype == np.float32 else ""

    def written(token: re.Match[str]) -> str:
        kind, found = token.lastgroup, token[0]
        if kind == "verbatim":
            return token["verbatim"]
        if kind == "constant":
            return words[found[1:]]
        if kind == "number":
            return found + suffix
        return found if kind in ("comment", "text") else f"{prefix}_{found.removeprefix('p_')}"

    text = text.replace("$exp_tail", TAILS[dtype.name][0]).replace("$artanh", TAILS[dtype.name][1])
    return TOKEN.sub(written, text)


def needed(text: str) -> str:
    """Return the functions of `TEXT` that C code calls, those that these call before them."""
    found: dict[str, None] = {}

    def add(code: str, own: str = "") -> None:
        for name in CALLED.findall(code):
            if name in TEXT and name != own and name not in found:
                add(TEXT[name], name)
                found[name] = None

    add(text)
    return "".join(TEXT[name] for name in found)
