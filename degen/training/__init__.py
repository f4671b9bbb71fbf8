"""Training of any variant.

    plan     groups of runs and the step engine of each
    loop     a group of runs to their ends, one engine at a time
    engines  `epoch` takes one run in eager steps, `padded.stack` several runs in padded ones
    losses   the losses that both engines call
    run      what each epoch measures and writes

A model of another kind needs an encoder that represents histories (`degen.build.build_encoder`) and a variant
that declares its views and loss. The loop and the engines stay as they are.
"""
