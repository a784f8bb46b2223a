"""What `fleet` is made of: one network in each SIMD lane.

From the bottom: `numbers` (blocks of numbers and scratch), `arguments`, `layers`, `losses`,
`inputs` (the first layer where inputs are left out), `samples`, `sums`, `rules`, `steps`.
"""
