"""The training step in C: one step of stochastic gradient descent on one sample."""

from __future__ import annotations

from . import c_functions
from .c_layers import Tables, through_layer

STRUCT = """
/* A network that learns; its parameters begin as those that were exported. */
typedef struct {{ real theta[{n}]; }} p_parameters;

void p_init(p_parameters *model);
real p_learn_one(p_parameters *model, const real *x, const real *y, real lr);
"""

INIT = """
void p_init(p_parameters *model)
{{
    size_t i;
    for (i = 0; i < {n}; i++)
        model->theta[i] = p_theta[i];
}}
"""


def learn_one(tables: Tables, loss: str) -> str:
    """Write ``p_init`` and ``p_learn_one``, and the functions of losses and slopes for it."""
    layers = tables.stack.layers
    places, n_layers = [*tables.places()], len(layers)
    sizes = tables.stack.sizes
    arrays = ", ".join(f"a{k}[{size}], d{k}[{size}]" for k, size in enumerate(sizes[1:], 1))
    lines = [f"    real *theta = model->theta, {arrays}, loss;"]
    for k, layer in enumerate(layers, 1):
        source = "x" if k == 1 else f"a{k - 1}"
        lines += through_layer(layer, places[k - 1], source, f"a{k}", activated=k < n_layers)
    lines.append(f"    loss = p_loss_and_delta(a{n_layers}, y, {sizes[-1]}, d{n_layers});")
    lines += ["    if (!(loss - loss == 0.0))", "        return loss;"]
    for k in range(n_layers, 0, -1):
        source, shape = "x" if k == 1 else f"a{k - 1}", f"{sizes[k - 1]}, {sizes[k]}"
        if k > 1:
            lines.append(f"    p_backward({places[k - 1][0]}, {shape}, d{k}, d{k - 1});")
            below = layers[k - 2].activation
            if below != "identity":
                lines.append(f"    p_{below}_slope({source}, d{k - 1}, {sizes[k - 1]});")
        lines.append(f"    p_step({', '.join(places[k - 1])}, {shape}, lr, {source}, d{k});")
    lines.append("    return loss;")
    used = dict.fromkeys(
        layer.activation for layer in layers[:-1] if layer.activation != "identity"
    )
    helpers = "".join(map(c_functions.slope, used))
    helpers += c_functions.loss_and_delta(loss, layers[-1].activation)
    signature = "real p_learn_one(p_parameters *model, const real *x, const real *y, real lr)"
    body = "\n".join(lines)
    return f"{helpers}{INIT.format(n=tables.n_theta)}\n{signature}\n{{\n{body}\n}}\n"
