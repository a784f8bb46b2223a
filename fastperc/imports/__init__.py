"""Networks of other libraries as ours, and ours as theirs: one file a library."""
