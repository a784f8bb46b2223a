import pytest

from fastperc.tutorials import Figure, Replay, published, replay, replaying


@pytest.fixture(scope="module")
def figures():
    return replay()


def count_published():
    """How many figures the tables hold."""
    trace = published.TRACE.split()
    steps = len(published.TRACE.split("\n")) - 2
    units = sum(2 + len(run.weights) for run in published.UNIT_RUNS)
    layers = sum(len(run.outputs) for run in published.LAYERS_RUNS)
    return len(trace) - steps - trace.count(".") + len(published.SUMMARY) + units + layers


def test_every_figure_agrees_to_all_printed_digits(figures):
    assert [f for f in figures if not f.agrees] == []
    assert figures.agrees


def test_no_figure_is_left_out(figures):
    assert len(figures) == count_published() == 283
    assert len({(f.run, f.quantity) for f in figures}) == len(figures)


def test_the_figures_are_those_of_the_tutorials(figures):
    texts = {f"{f.run}: {f.quantity}": f.published for f in figures}
    assert texts["MLP: step 0, loss"] == "169"
    assert texts["MLP: step 7, b2"] == "0.3603.."
    assert texts["MLP: step 288, loss"] == "0.15545881"
    assert texts["MLP: step 862, pred"] == "17.01994203"
    assert texts["MLP: last loss"] == "9.54880085e-05"
    assert texts["MLP: last pred"] == "16.9902"
    assert texts["train_perceptron, one input, first run: final weight 1"] == "3.73433524206"
    assert texts["train_perceptron, one input, second run: final prediction"] == "0.97649777"
    assert texts["train_perceptron, three inputs: final weight 3"] == "2.41951703"
    assert texts["train_two_layer, hidden layer, one sample: output 1"] == "0.98469406"
    assert texts["train_two_layer, hidden layer, four samples: output 4"] == "0.996359"


def test_one_wrong_digit_is_seen(monkeypatch):
    wrong = published.TRACE.replace("17.05253923", "17.05253924")
    monkeypatch.setattr(published, "TRACE", wrong)
    figures = replay()
    assert not figures.agrees
    assert [f.quantity for f in figures if not f.agrees] == ["step 676, pred"]
    assert "MLP" in figures.summary()
    assert "266 of 267 figures agree" in figures.summary()
    assert [line for line in figures.table().splitlines() if line.endswith("NO")]


@pytest.mark.parametrize(
    ("text", "value", "agrees"),
    [
        ("13.1936", 13.19360000499, True),
        ("13.1936", 13.1936000051, False),
        ("169", 169.0, True),
        ("9.54880085e-05", 9.548800849e-05, True),
        ("9.54880085e-05", 9.54880086e-05, False),
        ("0.3603..", 0.36037523, True),
        ("0.3603..", 0.36029999, False),
        ("1..", 1.67067629, True),
    ],
)
def test_agreement_is_of_every_digit_that_the_page_shows(text, value, agrees):
    assert replaying.figure("run", "quantity", text, value, replaying.in_array).agrees is agrees


def test_forms_are_those_of_the_tutorials_programs():
    assert replaying.in_array(0.9963590000001) == "0.996359"
    assert replaying.in_array(-0.0) == "-0"
    assert replaying.in_full(3.734335242061234) == "3.73433524206"
    assert replaying.four_decimals(16.99022) == "16.9902"


def test_the_table_has_a_line_for_each_figure(figures):
    header, rule, *lines = str(figures).splitlines()
    assert header.split() == ["run", "quantity", "published", "computed", "agrees"]
    assert set(rule) == {"-"}
    assert len(lines) == len(figures)
    assert all(line.endswith("yes") for line in lines)


def test_a_replay_is_made_of_figures():
    one = Figure("run", "quantity", "1.5", "1.5", 1.5)
    other = Figure("run", "quantity", "1.5", "1.4", 1.4)
    assert Replay((one,)).agrees
    assert not Replay((one, other)).agrees
    assert list(Replay((one, other))) == [one, other]
