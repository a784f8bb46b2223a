"""The network as data: sizes, activations, loss, one vector of parameters, and what they give."""
