"""A network as a table, in text and for notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..network import Network

Row = tuple[str, str, str, str]
HEAD: Row = ("layer", "units", "activation", "parameters")


def as_text(net: Network) -> str:
    """Each layer's units, activation and parameters, and the total, in aligned columns."""
    rows = [HEAD, *_layers(net)]
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    lines = [
        f"{name:{widths[0]}}  {units:>{widths[1]}}  {what:{widths[2]}}  {n:>{widths[3]}}"
        for name, units, what, n in rows
    ]
    return "\n".join([*(line.rstrip() for line in lines), _total(net)])


def as_html(net: Network) -> str:
    """The same as an HTML table."""
    head = "".join(f"<th>{name}</th>" for name in HEAD)
    body = "".join(
        "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in _layers(net)
    )
    return f"<table><tr>{head}</tr>{body}</table><p>Network: {_total(net)}</p>"


def _layers(net: Network) -> list[Row]:
    names = [*(f"hidden {k}" for k in range(1, len(net.sizes) - 1)), "outputs"]
    rows: list[Row] = [("inputs", f"{net.sizes[0]:,}", "", "")]
    for name, n_in, n_out, what in zip(
        names, net.sizes, net.sizes[1:], (*net.hidden, net.output), strict=False
    ):
        rows.append((name, f"{n_out:,}", what, f"{(n_in + 1) * n_out:,}"))
    return rows


def _total(net: Network) -> str:
    theta = net.theta
    size = f"{theta.nbytes:,} bytes" if theta.nbytes < 10_000 else f"{theta.nbytes / 1000:,.0f} kB"
    return f"{theta.size:,} parameters, {net.dtype}, {size}; loss {net.loss_name}"
