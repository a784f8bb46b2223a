"""The ways of solving a problem, one library or language a file; `variants` has their names."""

# Output activations and losses that the libraries have.
HEADS = {("identity", "squared_error"), ("sigmoid", "log_loss"), ("softmax", "cross_entropy")}
