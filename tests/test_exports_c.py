"""Models written in C, compiled and called, against the library."""

import ctypes
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from exports import campaign, in_c
from exports.in_c import Compiled, compare, compare_training, run

import fastperc
from export_models import HEADS, classifier_cases, fleet_case, group_cases, network_case
from fastperc import Network
from fastperc.exports.c import to_c, write_c
from fastperc.exports.c_size import size_of
from fastperc.exports.effects import effect
from fastperc.exports.evaluate import evaluate
from fastperc.exports.rounding import bounds
from fastperc.measuring.compilers import compiler

N = 2 * len(HEADS)
needs_cc = pytest.mark.skipif(compiler() is None, reason="there is no C compiler")
needs_elf = pytest.mark.skipif(sys.platform == "win32", reason="shared libraries of another kind")
pytestmark = [needs_cc, needs_elf]


@pytest.fixture(scope="module")
def networks():
    return [network_case(i) for i in range(N)]


@pytest.fixture(scope="module")
def compiled(networks, tmp_path_factory):
    """All networks in one library, without contraction."""
    return Compiled([case.model for case in networks], tmp_path_factory.mktemp("c"))


@pytest.mark.parametrize("i", range(N))
def test_networks(i, networks, compiled):
    compare(compiled, i, networks[i])


def test_fleets_groups_and_classifiers(tmp_path):
    cases = [fleet_case(1, shapes_differ=True), fleet_case(4), *dict(group_cases()).values()]
    cases += [*dict(classifier_cases()).values()][1::5]
    library = Compiled([case.model for case in cases], tmp_path)
    for i, case in enumerate(cases):
        compare(library, i, case)


@pytest.mark.slow
def test_every_kind_of_model_contracted():
    assert campaign.compare_c(campaign.cases(N), ("-O3", "-ffp-contract=fast")) <= 1


BITS = """
import sys
import numpy as np
sys.path.insert(0, "tests")
from export_models import network_case
numbers = [i for i in map(int, sys.argv[2:])]
out = {str(i): [np.atleast_1d(c.model.forward_one(x)) for x in c.X[:4]]
       for i, c in ((i, network_case(i)) for i in numbers)}
np.savez(sys.argv[1], **{i: np.array(rows) for i, rows in out.items()})
"""


def test_bits_of_the_scalar_path(networks, compiled, tmp_path, repository):
    """Kernels as plain Python round each operation once, in the order in which C has them."""
    chosen = [i for i in range(N) if networks[i].model.output != "softmax"][::3]
    words = [sys.executable, "-W", "ignore", "-c", BITS, tmp_path / "out.npz", *map(str, chosen)]
    run(*words, cwd=repository, env={**os.environ, "NUMBA_DISABLE_JIT": "1"})
    with np.load(tmp_path / "out.npz") as found:
        for i in chosen:
            mine = compiled.predict(i, networks[i].X[:4])[0]
            assert np.array_equal(mine, found[str(i)]), networks[i].model


# --- training -------------------------------------------------------------------------------------


def test_training_follows_the_library(networks, tmp_path):
    """Every loss, for 1,000 samples."""
    kinds = {(case.model.loss_name, case.model.output): i for i, case in enumerate(networks)}
    chosen = [networks[i].model for i in [*kinds.values()][::3]]
    library = Compiled(chosen, tmp_path, train=True)
    for i, model in enumerate(chosen):
        compare_training(library, i, model, 1000)


def test_a_step_to_infinity_is_not_taken(tmp_path):
    net = Network((1, 1), init=([[[1e30]]], [[0.0]]))
    library = Compiled([net], tmp_path, train=True)
    theta = np.array([1e30, 0.0], np.float32)
    x, y = np.array([1e30], np.float32), np.zeros(1, np.float32)
    step = library.function(0, "learn_one", ctypes.c_float)
    loss = step(*map(in_c.pointer, (theta, x, y)), ctypes.c_float(0.01))
    assert not np.isfinite(loss)
    assert theta.tolist() == np.array([1e30, 0.0], np.float32).tolist()


# --- the file's own test --------------------------------------------------------------------------


def self_test(text, folder, *flags):
    """Compile the test of a file and run it: exit status, and what it prints."""
    path, program = folder / "model.c", folder / "model"
    path.write_text(text)
    run(compiler(), "-std=c99", *flags, *in_c.WARNINGS, "-DSELF_TEST", path, "-o", program)
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


@pytest.mark.parametrize("train", [False, True])
def test_the_test_passes_and_can_fail(tmp_path, train):
    net = network_case(HEADS.index(("sigmoid", "log_loss")) + len(HEADS)).model
    text = to_c(net, train=train)
    status, said = self_test(text, tmp_path)
    assert (status, "worst deviation" in said) == (0, True)
    assert ("training" in said) == train
    # One coefficient of exp: 0.5 becomes 0.5002.
    wrong = text.replace("0.5000000000000011", "0.5002").replace("0.49999994f", "0.5002f")
    assert wrong != text
    status, said = self_test(wrong, tmp_path)
    assert status == 1
    assert said.endswith("wrong\n")


def test_the_test_of_a_step(tmp_path):
    text = to_c(Network((3, 5, 2), hidden="tanh", seed=0), train=True)
    wrong = text.replace("b[j] -= lr * d[j]", "b[j] += lr * d[j]")
    assert wrong != text
    assert self_test(text, tmp_path)[0] == 0
    assert self_test(wrong, tmp_path)[0] == 1


def test_the_test_of_a_fleet_and_of_groups(tmp_path):
    models = [fleet_case(4, shapes_differ=True).model]
    models += [case.model for name, case in group_cases() if name == "grouped-log_loss-4-standard"]
    for model in models:
        assert self_test(to_c(model), tmp_path)[0] == 0


# --- other compilers ------------------------------------------------------------------------------

ARM = ["-std=c99", "-Os", "-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"]
OTHERS = {
    "g++": ["-x", "c++", "-std=c++11"],
    "clang": ["-std=c99"],
    "clang++": ["-x", "c++", "-std=c++11"],
    "arm-none-eabi-gcc": ARM,
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_compilers_say_nothing(name, networks, tmp_path):
    if shutil.which(name) is None:
        pytest.skip(f"there is no {name}")
    models = [case.model for case in networks[::5]] + [fleet_case(1, shapes_differ=True).model]
    text = "".join(
        to_c(model, prefix=f"m{i}", train=i % 2 == 0 and isinstance(model, Network))
        for i, model in enumerate(models)
    )
    path = tmp_path / "models.c"
    path.write_text(text)
    target = tmp_path / "models.o"
    done = subprocess.run(
        [name, *OTHERS[name], *in_c.WARNINGS, "-c", path, "-o", target],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_relu_networks_take_less_than_2_kb_of_code():
    net = Network((8, 32, 1), seed=0)
    source = write_c(net)
    size = size_of(source.text)
    if size is None:
        pytest.skip("nothing tells the size")
    assert source.n_weight_bytes == 4 * 8 * 32 + 4 * 32  # biases of 0 are left out
    assert 0 < size - source.n_weight_bytes < 1024


def test_without_a_compiler_no_size_is_told(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    assert size_of("int a;") is None


# --- whole numbers for weights --------------------------------------------------------------------


def test_whole_weights(tmp_path):
    """C computes what the rounded plan says; int16 is closer to the model than int8."""
    cases = [case for name, case in classifier_cases() if name.endswith("standard-str")]
    cases += [network_case(i) for i in (1, 6, 12)] + [fleet_case(4, shapes_differ=True)]
    effects = {}
    for weights in ("int8", "int16"):
        folder = tmp_path / weights
        folder.mkdir()
        library = Compiled([case.model for case in cases], folder, weights=weights)
        for i, case in enumerate(cases):
            plan = library.sources[i].plan
            networks = np.zeros(len(case.X), int)
            chosen = networks if plan.combine == "each" else None
            out = library.predict(i, case.X, chosen)[0]
            exact = evaluate(plan, case.X).outputs
            exact = exact[0] if plan.combine == "each" else exact
            assert (np.abs(out - exact) <= 3 * bounds(plan, case.X, networks) + 1e-30).all()
            effects[i, weights] = effect(write_c(case.model).plan, plan, case.X)
    for i in range(len(cases)):
        coarse, fine = effects[i, "int8"], effects[i, "int16"]
        assert 0 < fine.largest < coarse.largest / 20
        assert fine.changed <= coarse.changed


def test_the_size_of_whole_weights():
    net = Network((8, 32, 1), seed=0)
    assert write_c(net, weights="int8").n_weight_bytes == (256 + 32) + 4 * (32 + 1 + 8)


# --- names and refusals ---------------------------------------------------------------------------


def test_names(tmp_path):
    names = dict(classifier_cases())["classifier-log_loss-None-str"]
    numbers = dict(classifier_cases())["classifier-log_loss-None-int"]
    library = Compiled([names.model, numbers.model], tmp_path)
    for i, case in enumerate((names, numbers)):
        classes = case.model.classes_
        texts = library.constant(i, "class_names", ctypes.c_char_p * len(classes))
        assert [text.decode() for text in texts] == [str(label) for label in classes]
    values = library.constant(1, "class_values", ctypes.c_long * len(numbers.model.classes_))
    assert values == numbers.model.classes_.tolist()


@pytest.mark.parametrize("text", ['a"b\\', "*/ p_real 1.5 real", "@{ }@", "??/", "größe", "\n"])
def test_names_of_any_characters(text, tmp_path):
    """As a label and as the name of a feature."""
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame(rng.normal(size=(20, 2)), columns=[text, "b"])
    y = np.where(frame["b"] > 0, text, "z" * len(text))
    model = fastperc.SGDClassifier(max_iter=2, tol=None).fit(frame, y)
    library = Compiled([model], tmp_path)
    features = library.constant(0, "feature_names", ctypes.c_char_p * 2)
    labels = library.constant(0, "class_names", ctypes.c_char_p * 2)
    assert [name.decode() for name in features] == [text, "b"]
    assert [name.decode() for name in labels] == model.classes_.tolist()


def test_outputs_that_overflow(tmp_path):
    """Samples of the file's own test are drawn nearer to 0 until their outputs are finite."""
    net = Network(
        (1, 1),
        output="exp",
        loss="poisson",
        init=(
            [
                [[1.0]],
            ],
            [[85.0]],
        ),
    )
    status, said = self_test(to_c(net), tmp_path)
    assert (status, "worst deviation" in said) == (0, True)
    net.biases[0][:] = 1e4
    with pytest.raises(ValueError, match="infinite or NaN for any inputs"):
        to_c(net)


def test_fast_math_is_refused(tmp_path):
    with pytest.raises(AssertionError, match="compile without it"):
        self_test(to_c(Network((2, 1))), tmp_path, "-ffast-math")


def test_refusals():
    net = Network((2, 1))
    for prefix in ("", "3x", "a b", "a-b", "é", None, "x" * 40):
        with pytest.raises(ValueError, match="expected a name in C"):
            to_c(net, prefix=prefix)
    with pytest.raises(ValueError, match="expected 'int8', 'int16' or None"):
        to_c(net, weights="int4")
    with pytest.raises(ValueError, match="cannot learn"):
        to_c(net, train=True, weights="int8")
    with pytest.raises(TypeError, match="found Fleet, expected a Network"):
        to_c(fleet_case(4).model, train=True)
    net.theta[0] = np.nan
    with pytest.raises(ValueError, match="expected finite numbers"):
        to_c(net)
