"""Modules that have moved since version 0.1: their old paths work until 0.3, with a warning."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from importlib.machinery import ModuleSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

# From the old path to the new one, both below ``fastperc``.
MOVED = {
    "atomic": "files.atomic",
    "bench_command": "commands.bench",
    "benchmarks.elsewhere": "benchmarks.process_cases",
    "benchmarks.pieces": "benchmarks.parts_cases",
    "benchmarks.predicting": "benchmarks.predicting_cases",
    "benchmarks.stamps": "benchmarks.png_metadata",
    "benchmarks.storing": "benchmarks.results",
    "cli": "commands.main",
    "compare_command": "commands.compare",
    "comparing.c_twin": "comparing.ways.c",
    "comparing.children": "comparing.subprocesses",
    "comparing.clock": "measuring.clock",
    "comparing.comparison": "comparing.result",
    "comparing.contest": "comparing.running",
    "comparing.jax_rival": "comparing.ways.jax",
    "comparing.loops": "comparing.ways.numpy",
    "comparing.machine": "measuring.machine",
    "comparing.onnx_rival": "comparing.ways.onnx",
    "comparing.rivals": "comparing.ways.sklearn",
    "comparing.stillness": "measuring.stillness",
    "console": "commands.console",
    "datafiles": "datasets.files",
    "demo.contest": "demo.scores",
    "demo.report": "demo.tables",
    "demo.tasks": "demo.experiments",
    "extras": "optional",
    "interrupts": "commands.interrupts",
    "kernels.calling": "kernels.call_by_address",
    "kernels.delta_rule": "kernels.tutorials.sigmoid_layers",
    "kernels.lanes": "kernels.simd",
    "kernels.lanes_numpy": "kernels.simd_numpy",
    "kernels.products": "kernels.matmul",
    "kernels.reference_tutorials": "kernels.tutorials.reference",
    "kernels.slabs": "kernels.shards",
    "kernels.sweeps": "kernels.fused",
    "kernels.tutorial_regression": "kernels.tutorials.regression",
    "layout": "model.layout",
    "options": "model.options",
    "pinning": "measuring.threads",
    "plain_commands": "commands.plain",
    "quasi_newton": "training.lbfgs",
    "single": "training.one_sample",
    "slices": "model.evaluate",
    "stepping": "training.steps",
    "storing": "files.models",
    "summary": "model.summary",
    "surroundings": "measuring.environment",
    "warming": "warmup",
    "watch": "deadline",
}


class Finder:
    """Finds a module under its old path."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Name a loader for the old path of a module, and nothing for any other."""
        package, _, old = name.partition(".")
        if package != __package__ or old not in MOVED:
            return None
        return ModuleSpec(name, _Loader(f"{package}.{MOVED[old]}"))  # type: ignore[arg-type]


class _Loader:
    """Hands out the module at the new path, unchanged."""

    def __init__(self, new: str):
        self.new = new

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        warnings.warn(
            f"{spec.name} is {self.new} now; the old path goes with fastperc 0.3",
            DeprecationWarning,
            stacklevel=2,
        )
        module = import_module(self.new)
        self.spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.spec  # importing has set that of the old path


sys.meta_path.append(Finder)
