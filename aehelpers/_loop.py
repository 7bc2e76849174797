"""The compiled loop behind `fit`: the images stay inside TensorFlow, and many steps run in one call."""

import contextlib

import keras
import numpy as np
import tensorflow as tf
from aehelpers.models import pieces
from aehelpers.validation import cannot_take


def as_tensor(array):
    """Hand an array to TensorFlow; without a copy where its memory can be used, as that of `aehelpers.load`."""
    view = array.view()
    with contextlib.suppress(ValueError):
        view.flags.writeable = True  # nobody writes, but DLPack has no word for read-only
    if not (view.flags.writeable and view.flags.c_contiguous and view.ctypes.data % 64 == 0):  # elsewhere TensorFlow aborts
        room = np.empty(array.nbytes + 64, np.uint8)  # one copy; `tf.constant` makes two, and keeps both
        view = room[-room.ctypes.data % 64 :][: array.nbytes].view(np.float32).reshape(array.shape)
        view[...] = array
    return tf.experimental.dlpack.from_dlpack(view.__dlpack__())


def as_tensors(x, target):
    """Hand images and their target to TensorFlow: one tensor where they are one array."""
    images = as_tensor(x)
    return images, images if target is x else as_tensor(target)


def output_in_training(model, x, shape):
    """Return what the model gives in training for a tensor of images, a part of an array ``x`` of that shape."""
    try:
        return model(x, training=True)
    except Exception as error:  # whatever a model says to images that it was not made for
        raise cannot_take("model", model, shape, error) from error


def total_loss(model, loss, target, output):
    """Return what is minimized, a scalar tensor: the mean of the loss, and the penalties that layers add with ``add_loss``.

    The model has just been called, since its penalties are those of its last call.
    """
    if not tf.is_tensor(output):
        raise ValueError(f"model must have one output, an array of images, but for x it gives {output!r:.200}")
    if not output.shape[1:].is_compatible_with(target.shape[1:]):  # a size may be known only when it runs
        raise ValueError(
            f"target must hold images of shape {tuple(output.shape[1:])}, which is what the model gives, but the target, which "
            f"is x unless told, holds images of shape {tuple(target.shape[1:])}"
        )
    value = loss(target, tf.cast(output, tf.float32))  # as Keras does: in float16 a loss of 1e-7 would be 0 or infinite
    if value is None:  # TensorFlow's message would not say what is None
        raise TypeError("loss must return a tensor, but it returned None")
    terms = [tf.reduce_mean(value), *(tf.reduce_sum(penalty) for penalty in model.losses)]
    return tf.add_n([tf.cast(term, tf.float32) for term in terms])


def split_by_gradient(model, loss, x, target, batch_size):
    """Return the trainable variables that the loss reaches and those that it does not, and try model and loss on the way.

    It is traced, not run: no weight and no random state moves.
    """

    @tf.function(autograph=False)
    def trace(inputs, targets):
        with tf.GradientTape() as tape:
            value = total_loss(model, loss, targets, output_in_training(model, inputs, x.shape))
        variables[:] = model.trainable_variables
        gradients[:] = tape.gradient(value, variables)

    variables, gradients = [], []
    trace.get_concrete_function(*(tf.TensorSpec([batch_size, *array.shape[1:]], tf.float32) for array in (x, target)))
    reached = [variable for variable, gradient in zip(variables, gradients, strict=True) if gradient is not None]
    if not reached:
        raise ValueError(
            "model has no trainable variable that the loss depends on: no gradient reaches any of them, so there is nothing "
            "to train"
        )
    return reached, [variable for variable, gradient in zip(variables, gradients, strict=True) if gradient is None]


def compile_loop(model, loss, optimizer, variables, x, target, batch_size, length, jit_compile):
    """Return a function of (rows, count) that takes ``count`` steps, at most ``length``, and returns their losses.

    Parameters
    ----------
    variables : list of keras.Variable
        What is trained.
    x, target : tensors of float32, shape (images, ...)
        One and the same tensor where the images are to be given back.
    jit_compile : bool
        Whether XLA compiles it, where it can.
    """

    def apply(gradients):
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):  # refuses to be called from `merge_call`
            optimizer.apply(gradients, variables)
        else:
            # Called plainly in a graph, `apply` sums the gradients over all devices by an operation that TensorFlow never
            # forgets: of each call of `fit`, 21 MB of weights and optimizer state stayed with 784-784-784 instead of 5 MB.
            tf.distribute.get_replica_context().merge_call(lambda _: optimizer.apply(gradients, variables))

    @tf.function(jit_compile=jit_compile, autograph=False)
    def loop(rows, count, x, target):
        def advance(i, losses):
            batch = tf.slice(rows, [i * batch_size], [batch_size])
            inputs = tf.gather(x, batch)
            with tf.GradientTape() as tape:
                output = model(inputs, training=True)
                value = total_loss(model, loss, inputs if same else tf.gather(target, batch), output)
                scaled = optimizer.scale_loss(value)  # `apply` divides by the scale, where there is one
            apply(tape.gradient(scaled, variables))
            return i + 1, tf.tensor_scatter_nd_update(losses, [[i]], [value])

        def goes_on(i, losses):
            return (i < count) & tf.math.is_finite(losses[tf.maximum(i - 1, 0)])

        return tf.while_loop(goes_on, advance, (0, tf.zeros(length)))[1]

    def run(rows, count):
        padded = np.zeros(length * batch_size, np.int32)  # one shape, so that it is compiled once
        padded[: len(rows)] = rows
        return compiled(tf.constant(padded), tf.constant(count), x, target).numpy()[:count]

    same = target is x
    # A function that is traced only once cannot set off TensorFlow's warning about tracing too often.
    compiled = loop.get_concrete_function(
        tf.TensorSpec([length * batch_size], tf.int32), tf.TensorSpec([], tf.int32), x, target
    )
    try:
        run([], 0)  # compiles and takes no step
    except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
        if not jit_compile:
            raise
        # A layer or loss uses an operation that XLA lacks (`tf.py_function`, for example).
        return compile_loop(model, loss, optimizer, variables, x, target, batch_size, length, jit_compile=False)
    return run


def compile_validation(model, loss, x, target):
    """Return a function that measures the loss on all images."""

    @tf.function(autograph=False)
    def on_piece(x, target):
        return total_loss(model, loss, target, model(x, training=False))

    specifications = [tf.TensorSpec([None, *tensor.shape[1:]], tf.float32) for tensor in (x, target)]
    on_piece = on_piece.get_concrete_function(*specifications)  # as above, against the warning about tracing too often

    def measure():
        losses = [float(on_piece(x[piece], target[piece])) for piece in pieces(x)]
        return float(np.average(losses, weights=[len(x[piece]) for piece in pieces(x)]))

    return measure
