"""Known mistakes of networks written from scratch, by name."""

from __future__ import annotations

# What `compare` says of each, after "likely cause: ".
CAUSES = {
    "sum_for_mean": "the gradient is a sum over samples where the mean is due",
    "mean_for_sum": "the gradient is divided by the number of samples once too often",
    "mean_over_outputs": "the loss is a mean over outputs as well, where their sum is due",
    "factor_two": "a factor 2: the loss lacks its 1/2, or the derivative has a 2 of its own",
    "factor_half": "a factor 1/2 too much",
    "learning_rate_missing": "the step is not multiplied by the learning rate",
    "learning_rate_twice": "the step is multiplied by the learning rate twice",
    "wrong_sign": "the step goes uphill: a wrong sign",
    "bias_not_updated": "a bias is never updated",
    "bias_absent": "a bias is left out of the weighted sums",
    "bias_summed_over_units": "a bias gradient is summed over units as well as over samples",
    "bias_updated_by_itself": "a bias is updated by a multiple of itself, not of its gradient",
    "derivative_missing": "the derivative of an activation is left out",
    "derivative_of_another_activation": "the derivative is that of another activation",
    "derivative_twice": "the derivative of an activation is applied twice",
    "derivative_of_activation": "the derivative is taken at the activation, not at the sum",
    "softmax_axis": "softmax is taken over samples, not over classes",
    "cross_entropy_delta": "cross-entropy goes back with the wrong delta",
    "error_of_wrong_layer": "the error of another layer is used for this one",
    "activation_off_by_one_layer": "a gradient uses the activations of the wrong layer",
    "weights_used_after_update": "weights are used for the backward pass after their update",
    "weights_transposed": "a square matrix of weights is transposed",
    "gradients_not_cleared": "gradients are not cleared between steps",
    "momentum": "momentum is present where none was asked for",
    "l2_penalty": "an L2 penalty, or weight decay, is present where none was asked for",
    "learning_rate_decay": "the learning rate decays from step to step",
    "sample_order": "samples are taken in another order",
    "last_batch_dropped": "the last, short batch is dropped",
    "last_batch_full_size": "the last, short batch is divided by the full batch size",
    "relu_derivative": "the derivative of relu is wrong: taken at the wrong place or value",
    "float32": "it computes in float32 where float64 was expected",
}
