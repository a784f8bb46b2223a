"""The run of a training as a script of scikit-learn's, with fastperc's estimator as its model."""

from __future__ import annotations

import os
import pprint
import re

from sklearn.pipeline import Pipeline

from ..estimators.base import BaseMLP
from ..files.atomic import replace_file
from .encoding import TableEncoder
from .encodings import CategoryEncoding, DateEncoding, NumberEncoding
from .reading import Source
from .reading.columnar import ArrowSource, ColumnarSource
from .reading.delimited import DelimitedSource
from .reading.forms import MISSING, MISSING_AMONG_NUMBERS
from .reading.frames import FrameSource
from .records import TrainingRecord
from .reporting.report import source_of

# What pandas takes for missing without being told.
PANDAS_MISSING = {"", "#N/A", "#NA", "-NaN", "-nan", "<NA>", "N/A", "NA", "NULL", "NaN", "None",
                  "n/a", "nan", "null"}  # fmt: skip


def write_script(
    pipeline: Pipeline,
    path: str | os.PathLike[str],
    table: object | None = None,
    *,
    place: str | os.PathLike[str] | None = None,
) -> None:
    """Write the run as a Python script that needs no `fastperc.tables`.

    It reads the table with pandas, encodes the columns with scikit-learn's transformers, holds a
    fifth of the rows out, fits the network that was chosen and prints its score. The rows that are
    held out are others than those of `train`, so that the score differs by chance.

    Parameters
    ----------
    pipeline : Pipeline
        What `train` returned.
    path : str or os.PathLike
        Of the script.
    table : path, DataFrame, Arrow object or Source, optional
        What `train` was given: whether and how it is written as text. Without it, or where it is
        no file, the script reads ``table.csv``, or the path it is called with.
    place : str or os.PathLike, optional
        The path of the table, where that is given as a Source.

    Raises
    ------
    TableError
        If the table cannot be read.
    OSError
        If the system does not let the file be written.
    """
    run = pipeline.run_
    source = None if table is None else source_of(run, table)
    if isinstance(table, (str, os.PathLike)):
        place = table
    replace_file(os.fspath(path), _script(pipeline, source, place).encode())


def _script(pipeline: Pipeline, source: Source | None, place: str | os.PathLike[str] | None) -> str:
    run, encoder, model = pipeline.run_, pipeline["columns"], pipeline["model"]
    parts = [
        _head(run, encoder, _path_of(place)),
        _reading(run, source),
        _rows(run),
        _splitting(run),
        _columns(encoder),
        _model(run, model),
        _fitting(run),
    ]
    body = "\n".join(part for part in parts if part)
    says = "Train a model on a table, and print its score on rows that are held out."
    return f'"""{says}"""\n\n{_imports(body)}\n{body}'


def _path_of(place: str | os.PathLike[str] | None) -> str:
    """Return the path of a table, or a name to be replaced."""
    return "table.csv" if place in (None, "-") else os.path.abspath(os.fspath(place or ""))


IMPORTS = {
    "np": "numpy", "pd": "pandas", "ConvergenceWarning": "sklearn.exceptions",
    "ColumnTransformer": "sklearn.compose",
    "TransformedTargetRegressor": "sklearn.compose", "SimpleImputer": "sklearn.impute",
    "accuracy_score": "sklearn.metrics", "balanced_accuracy_score": "sklearn.metrics",
    "r2_score": "sklearn.metrics", "GroupShuffleSplit": "sklearn.model_selection",
    "train_test_split": "sklearn.model_selection", "Pipeline": "sklearn.pipeline",
    "make_pipeline": "sklearn.pipeline", "FunctionTransformer": "sklearn.preprocessing",
    "OneHotEncoder": "sklearn.preprocessing", "RobustScaler": "sklearn.preprocessing",
    "StandardScaler": "sklearn.preprocessing", "MLPClassifier": "fastperc",
    "MLPRegressor": "fastperc",
}  # fmt: skip


def _imports(body: str) -> str:
    """Return lines that import what a body uses."""
    used = [name for name in IMPORTS if re.search(rf"\b{name}\b", body)]
    homes: dict[str, list[str]] = {}
    for name in used:
        if name not in ("np", "pd"):
            homes.setdefault(IMPORTS[name], []).append(name)
    first = ["import sys", "import warnings", ""]
    short = [f"import {IMPORTS[name]} as {name}" for name in used if name in ("np", "pd")]
    others = sorted(homes.items(), key=lambda item: (item[0] != "fastperc", item[0]))
    lines = [f"from {home} import {', '.join(sorted(names))}" for home, names in others]
    return "\n".join([*first, *short, *lines, ""])


def _constant(name: str, value: object) -> str:
    return f"{name} = {pprint.pformat(value, width=90, compact=True)}\n"


def _head(run: TrainingRecord, encoder: TableEncoder, path: str) -> str:
    """Return constants: the path, and the columns by what they are."""
    numbers: list[str] = []
    tailed: list[str] = []
    categories: list[str] = []
    dates: list[str] = []
    for encoding in encoder.encodings_:
        if isinstance(encoding, NumberEncoding):
            (tailed if encoding.width_of_middle else numbers).append(encoding.name)
        else:
            (categories if isinstance(encoding, CategoryEncoding) else dates).append(encoding.name)
    found = run.understanding
    text = f"TABLE = sys.argv[1] if len(sys.argv) > 1 else {path!r}\n"
    text += _constant("TARGET", found.target)
    text += _constant("NUMBERS", numbers)
    text += _constant("LONG_TAILED", tailed)
    text += _constant("CATEGORIES", categories)
    text += _constant("DATES", dates)
    text += "INPUTS = [*NUMBERS, *LONG_TAILED, *CATEGORIES, *DATES]\n"
    others = "".join(f", {name!r}" for name in found.of("weight", "group"))
    text += f"COLUMNS = [*INPUTS, TARGET{others}]\n"
    return text + f"SEED = {run.options['seed']!r}\n"


def _reading(run: TrainingRecord, source: Source | None) -> str:
    """Return the lines that read the table."""
    has_dates = bool(run.understanding.of("date"))
    if isinstance(source, ColumnarSource) and not isinstance(source, FrameSource):
        kind = "feather" if isinstance(source, ArrowSource) else "parquet"
        days_first = "DAYS_FIRST = []\n" if has_dates else ""
        return f"{days_first}frame = pd.read_{kind}(TABLE, columns=COLUMNS)\n"
    more, decimal = "", "."
    days: tuple[str, ...] = ()
    if isinstance(source, DelimitedSource):
        dialect, encoding, decimal = source.written
        days = source.days_first
        more += "" if dialect.separator == "," else f", sep={dialect.separator!r}"
        more += "" if dialect.quote == '"' else f", quotechar={dialect.quote!r}"
        more += "" if encoding.lower() in ("utf-8", "utf8") else f", encoding={encoding!r}"
        more += "" if decimal == "." else ', decimal=","'
        more += f", skiprows={dialect.skip}" if dialect.skip else ""
        more += "" if dialect.header else f", header=None, names={[*dialect.names]!r}"
    words = [word for word in MISSING if word not in PANDAS_MISSING]
    is_text = run.understanding.is_classification and run.held_target.dtype.kind in "bUO"
    texts = "[*CATEGORIES, *DATES, TARGET]" if is_text else "[*CATEGORIES, *DATES]"
    return (
        (_constant("DAYS_FIRST", [*days]) if has_dates else "")
        + _constant("MISSING", words)
        + _constant("MISSING_NUMBERS", [*words, *MISSING_AMONG_NUMBERS])
        + f"""
frame = pd.read_csv(
    TABLE, usecols=COLUMNS, dtype=dict.fromkeys({texts}, str),
    na_values={{
        name: MISSING_NUMBERS if name in [*NUMBERS, *LONG_TAILED] else MISSING for name in COLUMNS
    }},
    skipinitialspace=True, thousands={"," if decimal == "." else "."!r}{more},
)
"""
    )


def _rows(run: TrainingRecord) -> str:
    """Return the lines that choose rows, and take the target out."""
    needed = "[*INPUTS, TARGET]" if run.understanding.missing == "drop" else "[TARGET]"
    lines = [f"frame = frame.dropna(subset={needed}).reset_index(drop=True)"]
    if run.understanding.of("category"):
        lines += [
            "texts = frame[CATEGORIES].astype(object)",
            'frame[CATEGORIES] = texts.where(texts.notna(), "(missing)").astype(str)',
        ]
    text = run.understanding.is_classification and run.held_target.dtype.kind in "bUO"
    lines += [f"y = frame[TARGET].to_numpy({'str' if text else ''})"]
    return "\n".join(lines) + "\n"


def _splitting(run: TrainingRecord) -> str:
    """Return the lines that hold rows out."""
    found = run.understanding
    group = found.one("group")
    if group is not None:
        return (
            "splitter = GroupShuffleSplit(1, test_size=0.2, random_state=SEED)\n"
            f"training, held = next(splitter.split(frame, y, frame[{group!r}]))\n"
        )
    stratify = ", stratify=y" if found.is_classification and min(found.class_counts) > 1 else ""
    return (
        "training, held = train_test_split(\n"
        f"    np.arange(len(y)), test_size=0.2, random_state=SEED{stratify}\n)\n"
    )


def _columns(encoder: TableEncoder) -> str:
    """Return the lines that make the transformer of columns."""
    kinds = {type(encoding) for encoding in encoder.encodings_}
    indicator = "add_indicator=True" if encoder.missing == "indicator" else ""
    lines, functions = [], ""
    if any(isinstance(e, NumberEncoding) and not e.width_of_middle for e in encoder.encodings_):
        scaled = f"make_pipeline(SimpleImputer({indicator}), StandardScaler())"
        lines += [f'("numbers", {scaled}, NUMBERS),']
    if any(isinstance(e, NumberEncoding) and e.width_of_middle for e in encoder.encodings_):
        functions += TAILS
        lines += [
            f'("long_tailed", make_pipeline(SimpleImputer({indicator}), RobustScaler(),',
            "    FunctionTransformer(compressed), StandardScaler()), LONG_TAILED),",
        ]
    if CategoryEncoding in kinds:
        lines += [
            '("categories", OneHotEncoder(handle_unknown="infrequent_if_exist",',
            f"    min_frequency={encoder.min_count}, max_categories={encoder.max_categories + 1}, "
            "sparse_output=False), CATEGORIES),",
        ]
    if DateEncoding in kinds:
        functions += DATE_PARTS
        lines += [
            f'("dates", make_pipeline(FunctionTransformer(date_parts), SimpleImputer({indicator}),',
            "    StandardScaler()), DATES),",
        ]
    body = "\n".join(f"    {line}" for line in lines)
    return f"{functions}\ncolumns = ColumnTransformer([\n{body}\n])\n"


TAILS = '''

def compressed(X):
    """Bring the ends of long tails closer."""
    return np.arcsinh(2 * X)

'''
DATE_PARTS = '''

def date_parts(frame):
    """Return the day, and month, weekday and hour as points on a circle."""
    parts = {}
    for name in frame:
        when = pd.to_datetime(frame[name], format="mixed", dayfirst=name in DAYS_FIRST)
        parts[name] = (when - pd.Timestamp(1970, 1, 1)) / pd.Timedelta(days=1)
        for part, number, period in (
            ("month", when.dt.month - 1 + (when.dt.day - 1) / 31, 12),
            ("weekday", when.dt.day_of_week, 7),
            ("hour", when.dt.hour + when.dt.minute / 60, 24),
        ):
            parts[f"{name} {part} sin"] = np.sin(2 * np.pi / period * number)
            parts[f"{name} {part} cos"] = np.cos(2 * np.pi / period * number)
    return pd.DataFrame(parts)

'''


def _model(run: TrainingRecord, model: BaseMLP) -> str:
    """Return the lines that make the network, which learns targets of mean 0 and deviation 1."""
    usual = type(model)().get_params()
    given = {name: value for name, value in model.get_params().items() if value != usual[name]}
    arguments = "".join(
        f"    {name}={getattr(value, 'item', lambda v=value: v)()!r},\n"
        for name, value in given.items()
    )
    text = f"network = {type(model).__name__}(\n{arguments})\n"
    if not run.understanding.is_classification:
        text += "network = TransformedTargetRegressor(network, transformer=StandardScaler())\n"
    return text + (
        'model = Pipeline([\n    ("columns", columns),\n'
        '    ("float32", FunctionTransformer(np.float32)),\n    ("model", network),\n])\n'
    )


def _fitting(run: TrainingRecord) -> str:
    """Return the lines that fit and print the score."""
    found = run.understanding
    weight = found.one("weight")
    fit = score = before = ""
    if weight is not None:
        before = f"weight = frame[{weight!r}].to_numpy(float)\n"
        fit, score = ", model__sample_weight=weight[training]", ", sample_weight=weight[held]"
    name = {"R2": "r2_score", "accuracy": "accuracy_score"}.get(
        run.score_name, "balanced_accuracy_score"
    )
    return f"""{before}
warnings.simplefilter("ignore", ConvergenceWarning)  # the learning rate goes to 0 by then
model.fit(frame.iloc[training], y[training]{fit})
score = {name}(y[held], model.predict(frame.iloc[held]){score})
print(f"{run.score_name} {{score:.4f}} on {{len(held):,}} rows that were held out")
"""
