"""A network as a table, in text and for notebooks."""

from __future__ import annotations

from .dense import Dense

Row = tuple[str, str, str, str]
HEAD: Row = ("layer", "units", "activation", "parameters")


def as_text(model: Dense) -> str:
    """Return each layer's units, activation and parameters, and the total, in aligned columns."""
    rows = [HEAD, *_layers(model)]
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    lines = [
        f"{name:{widths[0]}}  {units:>{widths[1]}}  {what:{widths[2]}}  {n:>{widths[3]}}"
        for name, units, what, n in rows
    ]
    return "\n".join([*(line.rstrip() for line in lines), _total(model)])


def as_html(model: Dense) -> str:
    """Return the same as an HTML table."""
    head = "".join(f"<th>{name}</th>" for name in HEAD)
    body = "".join(
        "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in _layers(model)
    )
    return f"<table><tr>{head}</tr>{body}</table><p>Network: {_total(model)}</p>"


def _layers(model: Dense) -> list[Row]:
    names = [*(f"hidden {k}" for k in range(1, len(model.sizes) - 1)), "outputs"]
    rows: list[Row] = [("inputs", f"{model.sizes[0]:,}", "", "")]
    for name, n_in, n_out, what, has_bias in zip(
        names, model.sizes, model.sizes[1:], model.activations, model.bias, strict=False
    ):
        rows.append((name, f"{n_out:,}", what, f"{(n_in + has_bias) * n_out:,}"))
    return rows


def _total(model: Dense) -> str:
    theta = model.theta
    size = f"{theta.nbytes:,} bytes" if theta.nbytes < 10_000 else f"{theta.nbytes / 1000:,.0f} kB"
    return f"{theta.size:,} parameters, {model.dtype}, {size}; loss {model.loss.name}"
