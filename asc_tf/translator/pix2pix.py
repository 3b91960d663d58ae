"""pix2pix training of the device translator: L2 distance and least-squares GAN."""

import tensorflow as tf
import tf_keras as keras


def generator_loss(scores):
    """LSGAN's loss of the generator: mean of (D(G(x)) - 1)^2 over the discriminator's scores of translated clips."""
    return tf.reduce_mean(tf.square(scores - 1))


def discriminator_loss(real_scores, fake_scores):
    """LSGAN's loss of the discriminator, 1/2 mean (D(y) - 1)^2 + 1/2 mean D(G(x))^2."""
    return 0.5 * (tf.reduce_mean(tf.square(real_scores - 1)) + tf.reduce_mean(tf.square(fake_scores)))


class Pix2Pix(keras.Model):
    """A generator in training with a discriminator: `compile` and `fit` it to train the generator.

        generator:      mean (D(x, G(x)) - 1)^2 + reconstruction_weight * mean ((y - G(x)) / scale)^2
        discriminator:  1/2 mean (D(x, y) - 1)^2 + 1/2 mean D(x, G(x))^2

    Batches are ((source features, one-hot targets), real features of the target). Called, evaluated or used to predict,
    this model is the generator, whose layers it shares. Logs: "loss" is the mean squared distance in the features'
    squared units, "adversarial" the generator's and "discriminator" the discriminator's LSGAN loss.

    Both networks take their steps at the same time, by one optimizer; with Adam this equals two optimizers of the same
    settings. The gradients of both losses come from the same two passes. pix2pix gives the discriminator its step
    first.

    Args:
        generator: of `unet`.
        discriminator: of `patch_gan`.
        reconstruction_weight: pix2pix's lambda, which is 100 there, for L1 on images in +-1. The report names none.
        scale: standard deviation of the features, so that the distance is one of standardized features.

    Reference: QTI's technical report, section 2.3; Isola et al., CVPR 2017; Mao et al., "Least Squares Generative
    Adversarial Networks", ICCV 2017. The report uses L2 where pix2pix has L1, and LSGAN where pix2pix has
    cross-entropy.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        reconstruction_weight: float = 100.0,
        scale: float = 1.0,
    ):
        super().__init__(generator.inputs, generator.outputs, name="pix2pix")
        self.discriminator = discriminator
        self.reconstruction_weight, self.scale = reconstruction_weight, scale
        self.scores = [keras.metrics.Mean("adversarial"), keras.metrics.Mean("discriminator")]

    def compile(self, optimizer=None, **kwargs):
        """As `keras.Model.compile`; None selects pix2pix's optimizer: Adam with 2e-4 and beta_1 0.5."""
        optimizer = optimizer or keras.optimizers.Adam(2e-4, beta_1=0.5)
        super().compile(optimizer, keras.losses.MeanSquaredError(), **kwargs)

    def train_step(self, data):
        (source, targets), real = data
        with tf.GradientTape(persistent=True) as tape:
            fake = self([source, targets], training=True)
            fake_scores = self.discriminator([source, targets, fake], training=True)
            real_scores = self.discriminator([source, targets, real], training=True)
            distance = self.compute_loss([source, targets], real, fake) / self.scale**2
            adversarial = generator_loss(fake_scores)
            generator = adversarial + self.reconstruction_weight * distance
            discriminator = discriminator_loss(real_scores, fake_scores)
        judge = self.discriminator.trainable_variables
        of_judge = {id(variable) for variable in judge}
        translator = [variable for variable in self.trainable_variables if id(variable) not in of_judge]
        gradients = tape.gradient(generator, translator) + tape.gradient(discriminator, judge)
        del tape
        self.optimizer.apply_gradients(zip(gradients, translator + judge, strict=True))
        for metric, value in zip(self.scores, (adversarial, discriminator), strict=True):
            metric.update_state(value)
        return self.compute_metrics([source, targets], real, fake, None)

    def test_step(self, data):
        logs = super().test_step(data)
        return {"loss": logs["loss"]}
