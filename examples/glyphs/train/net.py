"""The binary network in plain numpy: forward, and backward with straight-through signs.

Pictures and maps are float32 arrays of shape (images, height, width, channels); weights and maps
behind a sign are -1 or +1. A layer's `forward` keeps what its `backward` needs; `backward` takes
the gradient of its output and returns the gradient of its input.
"""

import numpy as np

EPSILON = np.float32(1e-4)  # of batch normalisation, in training and in the exported file


class Parameter:
    """A trained array with its gradient and Adam's two moments."""

    def __init__(self, value, bound=None):
        self.value = value.astype(np.float32)
        self.gradient = np.zeros_like(self.value)
        self.first = np.zeros_like(self.value)
        self.second = np.zeros_like(self.value)
        self.bound = bound

    def step(self, rate, count):
        """Takes the `count`-th Adam step (from 1); a bounded value stays in [-bound, bound]."""
        self.first += np.float32(0.1) * (self.gradient - self.first)
        self.second += np.float32(0.001) * (self.gradient * self.gradient - self.second)
        first = self.first / np.float32(1 - 0.9**count)
        second = self.second / np.float32(1 - 0.999**count)
        self.value -= np.float32(rate) * first / (np.sqrt(second) + np.float32(1e-8))
        if self.bound is not None:
            np.clip(self.value, -self.bound, self.bound, out=self.value)


def sign(x):
    """+1 where x >= 0, else -1."""
    return np.where(x >= 0, np.float32(1), np.float32(-1))


class BinaryMatrix:
    """Products with the signs of a real-valued weight matrix (inputs, outputs)."""

    def __init__(self, rng, inputs, outputs):
        self.weight = Parameter(rng.uniform(-0.3, 0.3, (inputs, outputs)), bound=1.0)

    def parameters(self):
        return [self.weight]

    def forward(self, x, training):
        self.x, self.signs = x, sign(self.weight.value)
        return x @ self.signs

    def backward(self, gradient):
        self.weight.gradient = self.x.T @ gradient
        return gradient @ self.signs.T


class Convolution:
    """3 x 3, stride 1, no padding; the weight matrix's rows run kernel row, column, channel."""

    def __init__(self, rng, inputs, outputs, first=False):
        self.inputs, self.outputs, self.first = inputs, outputs, first
        self.matrix = BinaryMatrix(rng, 9 * inputs, outputs)

    def parameters(self):
        return self.matrix.parameters()

    def forward(self, x, training):
        n, h, w, c = x.shape
        self.shape = x.shape
        patches = np.empty((n, h - 2, w - 2, 9, c), np.float32)
        for tap in range(9):
            i, j = divmod(tap, 3)
            patches[:, :, :, tap] = x[:, i : i + h - 2, j : j + w - 2]
        out = self.matrix.forward(patches.reshape(-1, 9 * c), training)
        return out.reshape(n, h - 2, w - 2, self.outputs)

    def backward(self, gradient):
        n, h, w, c = self.shape
        flat = gradient.reshape(-1, self.outputs)
        if self.first:  # nobody asks for the gradient of the picture
            self.matrix.weight.gradient = self.matrix.x.T @ flat
            return None
        patches = self.matrix.backward(flat).reshape(n, h - 2, w - 2, 9, c)
        out = np.zeros(self.shape, np.float32)
        for tap in range(9):
            i, j = divmod(tap, 3)
            out[:, i : i + h - 2, j : j + w - 2] += patches[:, :, :, tap]
        return out


class Normalisation:
    """Batch normalisation over all axes but the last; running statistics as an average of batches."""

    def __init__(self, channels):
        self.gamma = Parameter(np.ones(channels))
        self.beta = Parameter(np.zeros(channels))
        self.mean = np.zeros(channels, np.float32)
        self.variance = np.ones(channels, np.float32)
        self.share = 0.02  # of a new batch in the running statistics

    def parameters(self):
        return [self.gamma, self.beta]

    def forward(self, x, training):
        self.shape = x.shape
        x = x.reshape(-1, x.shape[-1])
        if training:
            mean, variance = x.mean(0), x.var(0)
            self.mean += np.float32(self.share) * (mean - self.mean)
            self.variance += np.float32(self.share) * (variance - self.variance)
        else:
            mean, variance = self.mean, self.variance
        self.slope = 1 / np.sqrt(variance + EPSILON)
        self.normal = (x - mean) * self.slope
        return (self.normal * self.gamma.value + self.beta.value).reshape(self.shape)

    def backward(self, gradient):
        g = gradient.reshape(-1, self.shape[-1])
        self.gamma.gradient = (g * self.normal).sum(0)
        self.beta.gradient = g.sum(0)
        count = np.float32(len(g))
        inner = g - self.beta.gradient / count - self.normal * (self.gamma.gradient / count)
        return (inner * (self.gamma.value * self.slope)).reshape(self.shape)


class Sign:
    """The sign; its gradient passes straight through where |x| <= 1."""

    def parameters(self):
        return []

    def forward(self, x, training):
        self.open = np.abs(x) <= 1
        return sign(x)

    def backward(self, gradient):
        return gradient * self.open


class Pool:
    """The largest of 2 x 2, stride 2.

    It stands before the sign, where its gradient knows which input decided; the exported file has
    it behind the sign, which is the same function because the sign is monotone.
    """

    def parameters(self):
        return []

    def forward(self, x, training):
        n, h, w, c = x.shape
        self.shape = x.shape
        cells = x.reshape(n, h // 2, 2, w // 2, 2, c).transpose(0, 1, 3, 5, 2, 4)
        cells = cells.reshape(n, h // 2, w // 2, c, 4)
        self.winner = cells.argmax(-1)[..., None]
        return np.take_along_axis(cells, self.winner, -1)[..., 0]

    def backward(self, gradient):
        n, h, w, c = self.shape
        cells = np.zeros((n, h // 2, w // 2, c, 4), np.float32)
        np.put_along_axis(cells, self.winner, gradient[..., None], -1)
        cells = cells.reshape(n, h // 2, w // 2, c, 2, 2).transpose(0, 1, 4, 2, 5, 3)
        return cells.reshape(self.shape)


class Flatten:
    """Map to row; in the order row, column, channel."""

    def parameters(self):
        return []

    def forward(self, x, training):
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, gradient):
        return gradient.reshape(self.shape)


class Scale:
    """One trained number that brings the last sums into the range of a softmax."""

    def __init__(self, start):
        self.factor = Parameter(np.array([start]))

    def parameters(self):
        return [self.factor]

    def forward(self, x, training):
        self.x = x
        return x * self.factor.value

    def backward(self, gradient):
        self.factor.gradient = np.array([(gradient * self.x).sum()], np.float32)
        return gradient * self.factor.value


class Network:
    """Layers in a row."""

    def __init__(self, layers):
        self.layers = layers
        self.parameters = [p for layer in layers for p in layer.parameters()]
        self.steps = 0

    def forward(self, x, training=False):
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def measure(self, batches):
        """Sets the running statistics to the plain average over `batches`, weights at rest.

        During training they lag behind weights whose signs still flip.
        """
        for count, x in enumerate(batches, start=1):
            for layer in self.layers:
                if isinstance(layer, Normalisation):
                    layer.share = 1 / count
            self.forward(x, training=True)

    def train_on(self, x, labels, rate):
        """One step of Adam on the softmax cross entropy; returns the mean loss."""
        scores = self.forward(x, training=True)
        scores = scores - scores.max(1, keepdims=True)
        chance = np.exp(scores)
        chance /= chance.sum(1, keepdims=True)
        rows = np.arange(len(x))
        loss = -np.log(chance[rows, labels] + 1e-12).mean()
        gradient = chance
        gradient[rows, labels] -= 1
        gradient /= np.float32(len(x))
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)
        self.steps += 1
        for parameter in self.parameters:
            parameter.step(rate, self.steps)
        return float(loss)
