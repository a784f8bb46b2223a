"""Machine code that a wheel brings: used where it fits, and only there; built without being run."""

import importlib.machinery
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from numba.core import config

from fastperc.kernels import cache_folders, caching, precompiled

pytestmark = pytest.mark.skipif(
    bool(config.DISABLE_JIT), reason="NUMBA_DISABLE_JIT is set: nothing is compiled"
)

TRIPLE = "x86_64-unknown-linux-gnu"
OLD, NEW = ("+avx", "+avx2"), ("+avx", "+avx2", "+avx512f")


@pytest.fixture(scope="module")
def build_wheel(repository):
    """The script that builds wheels, as a module."""
    path = str(repository / "scripts" / "build-wheel")
    loader = importlib.machinery.SourceFileLoader("build_wheel", path)
    spec = importlib.util.spec_from_loader("build_wheel", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def record(name, required):
    features = ",".join(required)
    return {"name": name, "triple": TRIPLE, "cpu": name, "features": features,
            "required": required, "numpy": "2.0.0"}  # fmt: skip


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A function that installs a manifest; of two levels, if it is not told otherwise."""
    monkeypatch.setattr(precompiled, "FOLDER", tmp_path)
    for switch in (cache_folders.SWITCH, cache_folders.PRECOMPILED_SWITCH):
        monkeypatch.delenv(switch, raising=False)

    def install(text=None, **made_with):
        levels = [record("new", NEW), record("old", OLD)]
        manifest = {"made_with": precompiled.makers("tag") | made_with, "levels": levels}
        text = json.dumps(manifest) if text is None else text
        (tmp_path / "manifest.json").write_text(text)
        precompiled.choose.cache_clear()

    install()
    yield install
    precompiled.choose.cache_clear()


def choose(*features, triple=TRIPLE):
    level, reason = precompiled.choose("tag", triple, frozenset(features))
    assert level is None or not reason
    return reason if level is None else level.name


# --- what fits ----------------------------------------------------------------------------------


def test_the_best_level_that_the_processor_has_all_features_of(installed):
    assert choose(*NEW, "+more", "-other") == "new"
    assert choose(*OLD, "-avx512f") == "old"


@pytest.mark.parametrize("lacking", OLD)
def test_one_missing_feature_is_enough_to_leave_a_level(installed, lacking):
    features = set(NEW) - {lacking} | {lacking.replace("+", "-")}
    assert choose(*features) == f"this processor lacks {lacking} of old"


def test_another_system_is_left(installed):
    assert "here is x86_64-pc-windows-msvc" in choose(*NEW, triple="x86_64-pc-windows-msvc")
    assert "here is aarch64-unknown-linux-gnu" in choose(*NEW, triple="aarch64-unknown-linux-gnu")


def test_versions_of_macos_are_one_system():
    assert precompiled.system_of("arm64-apple-darwin23.5.0") == "arm64-apple-darwin"
    assert precompiled.system_of(TRIPLE) == TRIPLE


@pytest.mark.parametrize("maker", ["python", "numba", "llvmlite", "sources"])
def test_what_was_made_with_something_else_is_left(installed, maker):
    installed(**{maker: "0.0.1"})
    assert choose(*NEW).startswith("it was made with ")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"made_with": {}, "levels": [1]}'])
def test_a_damaged_manifest_is_said(installed, text):
    installed(text)
    assert "manifest.json cannot be read" in choose(*NEW)


def test_an_installation_that_brings_nothing(installed, tmp_path):
    (tmp_path / "manifest.json").unlink()
    precompiled.choose.cache_clear()
    assert choose(*NEW) == ""


@pytest.mark.parametrize(
    ("variable", "value"), [("FASTPERC_PRECOMPILED", "0"), ("FASTPERC_NUMBA_CACHE", "off")]
)
def test_it_can_be_turned_off(installed, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    assert caching.shipped_level() == (None, f"{variable} is set")


def test_a_cache_folder_alone_leaves_it(installed, monkeypatch, tmp_path):
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("FASTPERC_NUMBA_CACHE", "only")
    assert caching.shipped_level() == (None, "FASTPERC_NUMBA_CACHE is set")


# --- how it is built ----------------------------------------------------------------------------


def test_levels_are_sorted_and_named_as_llvm_does(build_wheel):
    """Each level contains the next, and LLVM tells of each feature whether a processor has it."""
    best, base = ({*level["features"].split(",")} for level in build_wheel.LEVELS["x86_64"])
    assert {f for f in base if f[0] == "+"} < best
    triple, _, features = caching.cpu_target.target_context.codegen().magic_tuple()
    if triple.startswith("x86_64") and not os.environ.get("NUMBA_CPU_FEATURES"):
        known = {feature[1:] for feature in features.split(",")}
        assert {f[1:] for f in best if f[0] == "+"} <= known


USE = """
import json, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    from fastperc import Network, warmup
    net = Network((3, 8, 1), hidden="tanh", output="sigmoid", loss="log_loss", seed=0)
    for k in range(100):
        net.learn_one([k % 7, k % 5, 1.0], k % 2, lr=0.1)
    output = net.forward_one([1.0, 2.0, 3.0])
n, n_loaded = warmup._machine_code()
from fastperc.measuring import environment
import fastperc.kernels.caching
print(json.dumps({
    "output": [float(x).hex() for x in (*net.theta, output)],
    "n_compiled": n - n_loaded, "n_loaded": n_loaded,
    "warnings": [str(w.message) for w in caught], "about": environment.machine_code(),
    "from": fastperc.kernels.caching.__file__,
}))
"""


@pytest.fixture(scope="module")
def wheel(build_wheel, repository, tmp_path_factory):
    """A wheel with two small kernels in it."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, repository / "scripts" / "build-wheel", out, "--dtype", "float32"]
    steps = ["--step", "output for one sample", "--step", "learning one sample"]
    subprocess.run([*command, *steps], check=True)
    (wheel,) = out.glob("*.whl")
    return wheel


@pytest.fixture
def installation(wheel, tmp_path):
    """A new environment with the wheel in it: its Python, and a function that uses it."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    return Installation(tmp_path, wheel)


class Installation:
    def __init__(self, folder, wheel):
        self.folder = folder
        scripts = "Scripts" if os.name == "nt" else "bin"
        self.python = folder / "venv" / scripts / Path(sys.executable).name
        self.pip("install", "--no-deps", wheel)

    def pip(self, *arguments):
        command = [sys.executable, "-m", "pip", "--python", self.python, *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    @property
    def files(self):
        return {p for p in self.folder.rglob("*") if p.is_file() and p.suffix != ".pyc"}

    @property
    def code(self):
        return next(self.folder.rglob("machine_code"))

    def use(self, **environment):
        """Train there, with the packages of this Python: what came out, and from where."""
        home = self.folder / "home"
        unset = ("FASTPERC_NUMBA_CACHE", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA")
        inherited = {name: value for name, value in os.environ.items() if name not in unset}
        packages = {"PYTHONPATH": sysconfig.get_paths()["purelib"], "HOME": str(home)}
        done = subprocess.run(
            [self.python, "-c", USE], env=inherited | packages | environment, cwd=self.folder,
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        assert str(self.folder) in answer["from"]
        return answer


@pytest.mark.slow
def test_an_installed_wheel_compiles_nothing_and_writes_nothing(installation):
    before = installation.files
    answer = installation.use()
    assert (answer["n_compiled"], answer["n_loaded"], answer["warnings"]) == (0, 2, [])
    assert "came with the installation" in answer["about"]
    assert installation.files == before
    installation.pip("uninstall", "--yes", "fastperc")
    left = [path.relative_to(installation.folder) for path in installation.files]
    assert not [path for path in left if "fastperc" in str(path)]


@pytest.mark.slow
def test_what_is_not_used_is_compiled_to_the_same_result(installation):
    expected = installation.use()["output"]

    def use(**environment):
        shutil.rmtree(installation.folder / "cache", ignore_errors=True)
        cache = {"NUMBA_CACHE_DIR": str(installation.folder / "cache")}
        answer = installation.use(**cache, **environment)
        near = [float.fromhex(x) for x in expected]
        assert [float.fromhex(x) for x in answer["output"]] == pytest.approx(near, rel=1e-5)
        return answer

    off = use(FASTPERC_PRECOMPILED="0")
    assert (off["n_loaded"], off["warnings"]) == (0, [])
    assert off["about"].endswith("not used: FASTPERC_PRECOMPILED is set")

    damaged = {path: path.read_bytes() for path in installation.code.rglob("*predict_one*.nbc")}
    for path, content in damaged.items():
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    (warning,) = use()["warnings"]
    assert "do not match their checksum" in warning
    assert "it is compiled and stored afresh" in warning

    manifest = installation.code / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"numba": "', '"numba": "9.'))
    other = use()
    assert other["n_loaded"] == 0
    assert [w for w in other["warnings"] if "it was made with numba 9." in w]


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() != "x86_64", reason="its levels are those of x86-64")
def test_a_level_gives_the_same_bits_on_every_processor(installation, build_wheel):
    v3 = build_wheel.V3
    haswell = installation.use(NUMBA_CPU_NAME="haswell", NUMBA_CPU_FEATURES=v3)
    zen = installation.use(NUMBA_CPU_NAME="znver3", NUMBA_CPU_FEATURES=f"{v3},+sha,+vaes")
    assert "x86-64-v3" in haswell["about"]
    assert haswell["n_compiled"] == zen["n_compiled"] == 0
    assert haswell["output"] == zen["output"]

    without = installation.use(
        NUMBA_CPU_NAME="nehalem", NUMBA_CPU_FEATURES="+cx16,+popcnt,+sse4.2,-avx,-avx2"
    )
    assert without["n_loaded"] == 0
    assert [w for w in without["warnings"] if "this processor lacks" in w and "+avx2" in w]
