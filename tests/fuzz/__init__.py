"""Ways to look for faults at random: each case is made from a seed, each failure is one line.

- `oracle`: networks in NumPy, from the formulas; it shares no code with the library.
- `guarded`: arrays that lie against memory which may not be touched.
- `cases`, `networks`: random networks and samples, and what has to hold for each.
- `configurations`, `estimators`: sequences of calls to the estimators and to scikit-learn's.
- `exports`: random models as ONNX graphs.
- `running`: many seeds, in a child process that may crash.

From the root of the checkout: ``python -m tests.fuzz.networks --seed 0 --count 5000``.
"""
