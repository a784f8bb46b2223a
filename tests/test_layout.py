"""The layout: who imports whom, where heavy packages belong, what writes files, how much is Any."""

import ast
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
KERNELS = sorted((ROOT / "kernels").rglob("*.py"))
FACADE = sorted((ROOT / "fastperc").rglob("*.py"))

# What each folder of fastperc/, or module beside them, may import of the others: those above it.
BELOW = {
    "_moved": "",
    "errors": "",
    "versions": "errors",
    "optional": "",
    "checks": "",
    "kernels": "",
    "deadline": "errors",
    "schedules": "checks",
    "model": "kernels checks deadline",
    "training": "model kernels checks errors deadline optional",
    "files": "model checks errors versions",
    "checkpointing": "training files checks",
    "clients": "distributed",
    "distributed": "training estimators checkpointing results model kernels checks errors "
    "deadline optional",
    "imports": "model kernels checks errors optional",
    "network": "checkpointing training files model kernels checks imports versions",
    "fleet": "network checkpointing clients results training files model kernels checks deadline "
    "versions",
    "results": "plots checks optional",
    "estimators": "network checkpointing clients results training model kernels checks errors "
    "deadline schedules versions",
    "search": "estimators checkpointing clients results",
    "river": "estimators optional",
    "exports": "fleet network estimators files model measuring kernels checks errors optional",
    "saving": "tables files fleet network estimators training model kernels schedules checks",
    "datasets": "checks errors",
    "measuring": "kernels",
    "plots": "measuring files checks optional",
    "tables": "search estimators saving files fleet network exports training model datasets plots "
    "measuring checkpointing checks errors deadline optional versions",
    "warmup": "fleet network training model measuring kernels",
    "tutorials": "network model measuring kernels checks errors",
    "comparing": "training model plots files measuring kernels checks errors deadline",
    "benchmarks": "comparing tutorials estimators fleet network model datasets plots files "
    "measuring kernels",
    "demo": "commands comparing tutorials network training datasets plots warmup measuring",
    "__main__": "commands",
}
BELOW["commands"] = " ".join(BELOW)
ALSO = {"training.history": {"plots"}}  # a result that draws itself when asked to

# Files and folders of kernels/ that may import more, or less, than numpy and numba.
KERNEL_RULES = {
    "precompiled.py": {"llvmlite", "numba"},
    "caching.py": {"numpy", "numba"},
    "fingerprint.py": {"llvmlite", "numba"},
    "call_by_address.py": {"numba", "llvmlite"},
    "simd_code": {"numpy", "numba", "llvmlite"},
    "orders.py": {"numpy", "numba", "llvmlite"},
}
# Oracles, and stand-ins for when nothing is compiled.
NUMPY_ONLY = ("reference", "reference_rules", "simd_numpy")

# The only folders of fastperc/ that may import these packages.
HOMES = {
    "numba": set(),
    "llvmlite": set(),
    "matplotlib": {"plots"},
    "sklearn": {
        *("estimators", "ensembles", "exchange", "fleets", "groups", "linear", "search"),
        *("saving", "datasets", "tables", "ways", "benchmarks", "demo", "exports", "imports"),
        *("distributed", "reporting"),
    },
    "typer": {"commands"},
    "rich": {"commands", "demo"},
    "pyarrow": {"tables", "reading", "distributed"},
    "river": {"fastperc"},  # fastperc/river.py
    "torch": {"imports", "ways"},
    "onnx": {"imports", "exports", "ways"},
    "dask": {"distributed"},
    "distributed": {"distributed"},
    "cloudpickle": {"distributed"},
}


# --- reading imports ------------------------------------------------------------------------------


def nodes(tree):
    """All nodes but those that only type checkers look at."""
    for child in ast.iter_child_nodes(tree):
        skipped = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
        for part in child.orelse if skipped else [child]:
            yield part
            yield from nodes(part)


def imports(path):
    """Each import of a file, anywhere in it: (dots of a relative import, module, name in it)."""
    found = set()
    for node in nodes(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {(0, alias.name, "") for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {(node.level, node.module or "", alias.name) for alias in node.names}
        elif isinstance(node, ast.Call) and called_name(node) in {"require", "import_module"}:
            found |= {(0, arg.value, "") for arg in node.args if isinstance(arg, ast.Constant)}
    return found


def called_name(call):
    return getattr(call.func, "attr", getattr(call.func, "id", None))


def outside_packages(path):
    """Top-level packages that a file imports, apart from Python's own and its neighbours."""
    names = {module.partition(".")[0] for dots, module, _ in imports(path) if dots == 0}
    return names - set(sys.stdlib_module_names)


def module_of(path):
    """The dotted name below fastperc of a file; empty for the package itself."""
    inside = path.relative_to(ROOT / "fastperc") if path in FACADE else path.relative_to(ROOT)
    parts = inside.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in (*FACADE, *KERNELS)}


def neighbours(module):
    """The modules below fastperc that one imports."""
    path, found = MODULES[module], set()
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for dots, name, member in imports(path):
        if dots == 0 and name.partition(".")[0] != "fastperc":
            continue
        parts = package[: len(package) - dots + 1] if dots else []
        parts += [part for part in name.removeprefix("fastperc").split(".") if part]
        there = ".".join([*parts, member])
        found.add(there if there in MODULES else ".".join(parts))
    return found - {module, ""}


def folder(module):
    return module.partition(".")[0]


def circles(graph):
    """The sets of nodes of a graph from each of which all others of the set can be reached."""
    reach = {node: set(graph[node]) for node in graph}
    for middle in graph:
        for node in graph:
            if middle in reach[node]:
                reach[node] |= reach[middle]
    found = {
        frozenset(other for other in reach[node] if node in reach[other])
        for node in graph
        if node in reach[node]
    }
    return sorted(sorted(circle) for circle in found)


def relative(path):
    return path.relative_to(ROOT).as_posix()


# --- the rules ------------------------------------------------------------------------------------


def test_every_folder_has_its_place():
    assert {folder(module) for module in MODULES} - {""} == set(BELOW)


def test_imports_run_one_way():
    strays = {
        (module, folder(other))
        for module in MODULES
        for other in neighbours(module)
        if folder(other) not in {folder(module), *BELOW.get(folder(module), "").split()}
        if folder(other) not in ALSO.get(module, ())
    }
    assert strays == set()


def test_no_imports_in_a_circle():
    assert circles({module: neighbours(module) for module in MODULES}) == []


def test_circles_are_found():
    graph = {1: {2}, 2: {3}, 3: {1, 4}, 4: {5}, 5: set(), 6: {6}}
    assert circles(graph) == [[1, 2, 3], [6]]


@pytest.mark.parametrize("path", KERNELS, ids=relative)
def test_kernels_import_the_compiler_and_arrays_only(path):
    place = path.name if path.parent.name == "kernels" else path.parent.name
    numpy_only = place.startswith(NUMPY_ONLY) or path.name.startswith(NUMPY_ONLY)
    allowed = {"numpy"} if numpy_only else KERNEL_RULES.get(place, {"numpy", "numba"})
    assert outside_packages(path) <= allowed


@pytest.mark.parametrize("path", FACADE, ids=relative)
def test_heavy_packages_are_imported_at_home_only(path):
    at = {path.parent.name}
    strays = {name for name in outside_packages(path) & set(HOMES) if not at & HOMES[name]}
    assert not strays


@pytest.mark.parametrize(
    ("source", "packages"),
    [
        ("def f():\n    import numba.core", {"numba"}),
        ("from matplotlib import pyplot", {"matplotlib"}),
        ("pyplot = require('matplotlib.pyplot', extra='plot')", {"matplotlib"}),
        ("importlib.import_module('sklearn')", {"sklearn"}),
        ("from ..kernels import online\nimport os", set()),
        ("if TYPE_CHECKING:\n    import matplotlib\nelse:\n    import rich", {"rich"}),
    ],
)
def test_imports_of_every_form_are_seen(tmp_path, source, packages):
    (tmp_path / "module.py").write_text(source)
    assert outside_packages(tmp_path / "module.py") == packages


# --- files that are written -----------------------------------------------------------------------

WRITERS = {"write_text", "write_bytes", "savefig", "tofile", "memmap", "dump", "save_file"}
MOVERS = {"replace", "rename", "renames", "link", "symlink"}  # of os, and of shutil
# The latter two into memory.
MAY_WRITE = {
    "kernels/caching.py", "fastperc/plots/files.py", "fastperc/distributed/payload.py"
}  # fmt: skip


def writes(path):
    """The calls in a file that write to disk, or move what is there: their lines."""
    lines = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name, owner = called_name(node), getattr(getattr(node.func, "value", None), "id", "")
            moves = owner in {"os", "shutil"} and name in {*MOVERS, "copy", "copyfile", "move"}
            if moves or (name in WRITERS and owner not in {"pickle"}) or opens_to_write(node):
                lines.append(node.lineno)
    return lines


def opens_to_write(call):
    if called_name(call) != "open" or "devnull" in ast.dump(call):
        return False
    modes = [*call.args[:2], *(k.value for k in call.keywords if k.arg == "mode")]
    modes = [mode.value for mode in modes if isinstance(mode, ast.Constant)]
    return any(set(mode) & set("wax+") for mode in modes if set(str(mode)) <= set("rwaxbt+"))


def test_only_the_files_folder_writes_to_disk():
    writers = {relative(path) for path in (*FACADE, *KERNELS) if writes(path)}
    strays = {path for path in writers if not path.startswith("fastperc/files/")} - MAY_WRITE
    assert strays == set()


@pytest.mark.parametrize(
    ("source", "n"),
    [
        ("open('a', 'w')", 1), ("path.open(mode='xb')", 1), ("open('table')", 0),
        ("os.replace(a, b)", 1), ("text.replace(a, b)", 0), ("Path(p).write_text(t)", 1),
        ("json.dump(a, file)", 1), ("figure.savefig(p)", 1), ("open(os.devnull, 'w')", 0),
        ("gzip.open(p, 'rb')", 0), ("open(p, 'r+')", 1),
    ],
)  # fmt: skip
def test_what_writes_is_found(tmp_path, source, n):
    (tmp_path / "module.py").write_text(source)
    assert len(writes(tmp_path / "module.py")) == n


# --- types ----------------------------------------------------------------------------------------

MOST_ANY = {
    "estimators": 180,
    "files": 27,
    "saving": 54,
    "fleet": 6,
    "exports": 38,
    "imports": 30,
    "plots": 8,
    "benchmarks": 11,
    "comparing": 6,
    "training": 8,
    "checkpointing": 8,
    "clients": 5,
    "distributed": 85,  # Dask comes without types
    "river": 6,
}
FEW_ANY = 4  # in any other folder, or file beside them


def test_few_annotations_are_any():
    """What scikit-learn's protocol and JSON force; to be lowered when it falls."""
    found = Counter()
    for path in FACADE:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        is_any = (isinstance(n, ast.Name) and n.id == "Any" for n in ast.walk(tree))
        found[folder(module_of(path))] += sum(is_any)
    assert {place: n for place, n in found.items() if n > MOST_ANY.get(place, FEW_ANY)} == {}
