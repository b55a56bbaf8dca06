"""The numbers that tests/tool/train/bayes.rs compares the training of drawn weights with, by PyTorch in double precision.

    python tests/tool/train/torch_bayes.py > tests/tool/train/torch_bayes.json

As torch_reference.py, whose networks' parts it uses. Random numbers are made here once more from their definition: the
key by ChaCha8 (Bernstein, 2008), the words by Philox4x32-10 (Salmon et al., SC'11), normal deviates as the inverse of
the distribution function.
"""

import json
import struct

import torch
import torch.nn.functional as F
from torch_reference import EPSILON, Latent, Sign, flat, noise

SEED, USE = 1, 8
STEP, DEVIATES = 0, 2
BATCH, SMOOTHING, RATE, STEPS = 32, 0.1, 0.02, 3


def chacha8(seed, use, stream):
    """The first two words of the block 0 of a stream as a number of 64 bits."""
    key = struct.pack("<Q", seed) + bytes([use]) + bytes(7) + b"bincim train v1\0"
    state = list(struct.unpack("<4I", b"expand 32-byte k")) + list(struct.unpack("<8I", key))
    state += [0, 0, stream & 0xFFFFFFFF, stream >> 32]
    words = state[:]

    def rotate(value, by):
        return (value << by | value >> (32 - by)) & 0xFFFFFFFF

    def quarter(a, b, c, d):
        for x, y, z, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            words[x] = (words[x] + words[y]) & 0xFFFFFFFF
            words[z] = rotate(words[z] ^ words[x], by)

    for _ in range(4):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    first = [(words[i] + state[i]) & 0xFFFFFFFF for i in range(2)]
    return first[1] << 32 | first[0]


def philox(counter, key):
    for _ in range(10):
        left, right = counter[0] * 0xD2511F53, counter[2] * 0xCD9E8D57
        counter = [
            (right >> 32) ^ counter[1] ^ key[0],
            right & 0xFFFFFFFF,
            (left >> 32) ^ counter[3] ^ key[1],
            left & 0xFFFFFFFF,
        ]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return counter


class Stream:
    def __init__(self, purpose, number, layer):
        key = chacha8(SEED, USE, purpose << 60 | number << 16 | layer)
        self.key = [key & 0xFFFFFFFF, key >> 32]

    def words(self, image, place):
        return philox([place & 0xFFFFFFFF, place >> 32, image, 0], self.key)


def deviates(step, layer, shape):
    """(image, channel, row, column); places run with the channel fastest."""
    images, channels, rows, columns = shape
    stream, every = Stream(DEVIATES, step, layer), []
    for image in range(images):
        own = []
        for pair in range((channels * rows * columns + 1) // 2):
            a, b, c, d = stream.words(image, pair)
            own += [((a << 32 | b) >> 12) + 0.5, ((c << 32 | d) >> 12) + 0.5]
        every.append(own[: channels * rows * columns])
    uniform = torch.tensor(every) / 2.0**52
    return torch.special.ndtri(uniform).reshape(images, rows, columns, channels).permute(0, 3, 1, 2)


def drawn(step, layer, lambdas):
    """-1 or +1 for each of `lambdas` in their order."""
    stream, values, made = Stream(STEP, step, layer), lambdas.detach().reshape(-1).tolist(), []
    words = [word for place in range((len(values) + 3) // 4) for word in stream.words(0, place)]
    for value, word in zip(values, words):
        sign = 1.0 if value >= 0 else -1.0
        flip = float(torch.sigmoid(torch.tensor(-2 * abs(value))))
        made.append(-sign if word < flip * 2.0**32 else sign)
    return torch.tensor(made).reshape(lambdas.shape).requires_grad_()


# kind, outputs, kernel, stride, pad, pad value, pool
NETWORKS = {
    "mlp": {
        "input": [1, 5, 6],
        "code": "bipolar",
        "rule": "reparametrised",
        "drawn": [0, 1, 2],
        "kl": 0.5,
        "rate": 0.05,
        "layers": [["dense", 11, 0, 1, 0, 0, 1], ["dense", 8, 0, 1, 0, 0, 1], ["scores", 9, 0, 1, 0, 0, 1]],
    },
    "cnn": {
        "input": [2, 9, 8],
        "code": "int8",
        "rule": "reparametrised",
        "drawn": [1, 2, 4],
        "kl": 0.01,
        "rate": 0.03,
        "layers": [
            ["conv", 10, 3, 1, 1, 0, 1],
            ["conv", 7, 3, 1, 1, -1, 2],
            ["conv", 5, 2, 2, 1, 0, 1],
            ["dense", 9, 0, 1, 0, 0, 1],
            ["scores", 10, 0, 1, 0, 0, 1],
        ],
    },
    "bayesbinn": {
        "input": [1, 5, 6],
        "code": "bipolar",
        "rule": "bayesbinn",
        "drawn": [0, 2],
        "kl": 1.0,
        "rate": 0.001,
        "layers": [["dense", 11, 0, 1, 0, 0, 1], ["dense", 8, 0, 1, 0, 0, 1], ["scores", 9, 0, 1, 0, 0, 1]],
    },
}


def run(net):
    channels, rows, columns = net["input"]
    pixels = ((noise(BATCH * channels * rows * columns, 1) + 0.5) * 256).floor()
    pixels = pixels.reshape(BATCH, channels, rows, columns)
    x = (pixels - 128) / 128 if net["code"] == "int8" else torch.where(pixels >= 128, 1.0, -1.0)
    classes = net["layers"][-1][1]
    labels = torch.tensor([(i * 7 + 1) % classes for i in range(BATCH)])
    parameters, shape = [], list(net["input"])
    for index, (kind, outputs, kernel, stride, pad, value, pool) in enumerate(net["layers"]):
        kh, kw = (kernel, kernel) if kind == "conv" else shape[1:]
        fan_in = kh * kw * shape[0]
        latent = noise(fan_in * outputs, 10 + index).reshape(kh, kw, shape[0], outputs)
        if index in net["drawn"]:
            latent = latent * 3
        last = kind == "scores"
        gamma = torch.tensor([1 / fan_in**0.5]) if last else noise(outputs, 30 + index) + 0.75
        beta = torch.zeros(0) if last else noise(outputs, 50 + index)
        parameters.append([p.clone().requires_grad_() for p in (latent, gamma, beta)])
        h, w = (shape[1] + 2 * pad - kh) // stride + 1, (shape[2] + 2 * pad - kw) // stride + 1
        shape = [outputs, h // pool, w // pool]
    binn = net["rule"] == "bayesbinn"
    lambdas = [parameters[index][0] for index in net["drawn"]]
    others = [p for layer in parameters for p in layer if p.numel() and not any(p is q for q in lambdas)]
    adam = torch.optim.Adam(others, lr=RATE, betas=(0.9, 0.999), eps=1e-8)
    own = torch.optim.Adam(lambdas, lr=net["rate"], betas=(0.9, 0.999), eps=1e-8)

    def loss_of(step):
        y, samples = x, {}
        for index, (layer, (latent, gamma, beta)) in enumerate(zip(net["layers"], parameters)):
            kind, _, _, stride, pad, value, pool = layer
            if index not in net["drawn"]:
                weight, deviation = Latent.apply(latent), None
            elif binn:
                weight = samples[index] = drawn(step, index, latent)
                deviation = None
            else:
                weight = torch.tanh(latent)
                driven = F.pad(torch.ones_like(y), [pad] * 4, value=abs(value))
                deviation = F.conv2d(driven, (1 - weight**2).permute(3, 2, 0, 1), stride=stride).sqrt()
            y = F.conv2d(F.pad(y, [pad] * 4, value=value), weight.permute(3, 2, 0, 1), stride=stride)
            if deviation is not None:
                y = y + deviation * deviates(step, index, y.shape)
            if kind == "scores":
                return F.cross_entropy(y.flatten(1) * gamma, labels, label_smoothing=SMOOTHING), samples
            y = F.batch_norm(y, None, None, gamma, beta, True, 0.0, EPSILON)
            if pool > 1:
                y = F.max_pool2d(y, pool)
            y = Sign.apply(y, "clipped", 1.0)

    result = {**net, "ste": "clipped", "losses": []}
    for step in range(STEPS):
        loss, samples = loss_of(step)
        adam.zero_grad()
        own.zero_grad()
        loss.backward()
        result["losses"].append(float(loss.detach()))
        if binn:
            for index in net["drawn"]:
                parameters[index][0].grad = samples[index].grad
        else:
            p = [torch.sigmoid(2 * q) for q in lambdas]
            divergence = sum((p * (2 * p).log() + (1 - p) * (2 * (1 - p)).log()).sum() for p in p)
            (net["kl"] / BATCH * divergence).backward()
        if step == 0:
            result["gradients"] = [[flat(p.grad) if p.numel() else [] for p in layer] for layer in parameters]
        adam.step()
        if binn:
            with torch.no_grad():
                for q in lambdas:
                    scale = 1 / (1 - torch.tanh(q) ** 2 + 1e-10)
                    q -= net["rate"] * (BATCH * q.grad * scale + net["kl"] * q)
        else:
            own.step()
        with torch.no_grad():
            for index, (latent, _, _) in enumerate(parameters):
                if index not in net["drawn"]:
                    latent.clamp_(-1, 1)
    # Weights are many: every seventh.
    result["after"] = [[flat(layer[0])[::7], flat(layer[1]), flat(layer[2])] for layer in parameters]
    result["gradients"] = [[g[0][::7], g[1], g[2]] for g in result["gradients"]]
    return result


def main():
    settings = {"batch": BATCH, "smoothing": SMOOTHING, "rate": RATE, "steps": STEPS}
    print(json.dumps({"torch": torch.__version__, **settings, "networks": {k: run(v) for k, v in NETWORKS.items()}}))


if __name__ == "__main__":
    main()
