"""The picture of one model on shards, from stored results; see `shards.py`."""

import numpy as np

from fastperc.plots.files import save_figure
from fastperc.plots.style import OTHERS, legend_beside, look, new_panels, plain_ticks, tidy

WAYS = ("exact, lbfgs", "exact, adam", "local")


def save(figures, folder):
    """Draw all panels, and write them as one file."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = sorted({curve["shards"] for curve in figures["curves"]})
    few, many = counts[0], counts[-1]
    axes = new_panels(6, "One model on shards, Fashion-MNIST, 784-64-10, two workers")
    for ax, n_shards in zip(axes, (few, many), strict=False):
        draw_curves(ax, figures, n_shards, "seconds", 1.0)
        ax.set(title=f"{n_shards} shard{'s' * (n_shards > 1)}", xlabel="Seconds")
    draw_curves(axes[2], figures, many, "bytes", 1e-6)
    axes[2].set(title=f"{many} shards", xlabel="Megabytes moved")
    low, high = axes[0].get_ylim()
    for ax in axes[:3]:
        ax.set_ylim(min(low, axes[1].get_ylim()[0]), max(high, axes[1].get_ylim()[1]))
        plain_ticks(ax.yaxis)
    legend_beside(axes[2])
    draw_rounds(axes[3], figures, WAYS[1], counts)
    draw_rounds(axes[4], figures, WAYS[2], counts)
    draw_sync(axes[5], figures)
    save_figure(axes[0], folder / "shards.png", dpi=130)


def draw_curves(ax, figures, n_shards, along, unit):
    """Draw losses of test samples against time or bytes, a line for each way."""
    for k, way in enumerate(WAYS):
        curve = next(c for c in figures["curves"] if c["way"] == way and c["shards"] == n_shards)
        x = unit * np.array(curve[along])
        ax.plot(x, curve["log_loss"], label=way, markersize=3.5, **look(k))
    ax.set(xscale="log", yscale="log", ylabel="Log-loss of test samples")
    plain_ticks(ax.xaxis)
    tidy(ax, "both")


def draw_rounds(ax, figures, way, counts):
    """Draw what a round takes: a worker's computing, and the rest on top of it."""
    curves = {c["shards"]: c for c in figures["curves"] if c["way"] == way}
    computing = np.array([1e3 * curves[n]["computing"] for n in counts])
    whole = np.array([1e3 * curves[n]["round"] for n in counts])
    places = np.arange(len(counts))
    color = look(WAYS.index(way))["color"]
    ax.bar(places, computing, 0.6, color=color, label="a worker computes")
    ax.bar(places, whole - computing, 0.6, computing, color="0.8", edgecolor=OTHERS, hatch="//",
           linewidth=0.8, label="the rest")  # fmt: skip
    for place, rest, top in zip(places, whole - computing, whole, strict=True):
        ax.annotate(f"{rest:,.0f}", (place, top), (0, 2), textcoords="offset points",
                    ha="center", fontsize=8, color="0.35")  # fmt: skip
    ax.set_xticks(places, [str(n) for n in counts])
    ax.set(title=f"A round of {way}", xlabel="Shards", ylabel="Milliseconds")
    ax.set_ylim(0, 1.35 * whole.max())
    ax.legend(frameon=False, fontsize=8, loc="upper right", ncols=2)
    tidy(ax, "y")


def draw_sync(ax, figures):
    """Draw the accuracy against the epochs between two averages."""
    every = set()
    for k, (order, found) in enumerate(figures["sync"].items()):
        periods = sorted(int(n) for n in found)
        accuracies = {int(n): 100 * accuracy for n, accuracy in found.items()}
        ax.plot(periods, [accuracies[n] for n in periods], label=f"{order} shards",
                markersize=5, **look(2 - k if k == 0 else 3))  # fmt: skip
        every |= set(periods)
    ax.set(xscale="log", xlabel="Epochs of shards between averages (local_epochs)",
           ylabel="Accuracy, %", title="4 shards, the same epochs")  # fmt: skip
    ax.set_xticks(sorted(every), [str(n) for n in sorted(every)])
    ax.minorticks_off()
    ax.legend(frameon=False, fontsize=8)
    tidy(ax, "both")
