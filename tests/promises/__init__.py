"""What the library promises for bad days, tried many times over; docs/promises.md has the figures.

- `trainers`: everything that trains, by one name each, behind the same four verbs.
- `tally`: how often a promise was put to the test, and how often it held.
- one module per promise: `divergence` (T5), `bits` (T7), `interrupts` (T9), `saves` (T10),
  `resuming` (T12; its calls are in `resumable`), `damage` (T13), `lies` (T14), `forms` (T18),
  `memory` (T19), `company` (T20), `caches` (T21).
- `page`: the table of the page, from stored results.

From the root of the checkout: ``python -m tests.promises T9 --count 50``.
"""
