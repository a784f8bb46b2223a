"""What `fleet` is made of: one network in each SIMD lane."""
