"""Training of any variant.

    plan     groups of runs and the step engine of each
    loop     a group of runs to their ends, one engine at a time
    engines  `epoch` takes one run in eager steps, `padded.stack` several runs in padded ones
    losses   the losses that both engines call
    run      what each epoch measures and writes
    children runs in child processes, several side by side

A model of another kind is an `Encoder` (`degen.model.encoders.interface`), which its variant names
(`Variant.architecture`), with batches of its own where it needs them (`batching.ways`). The loop and the
engines stay as they are.
"""
