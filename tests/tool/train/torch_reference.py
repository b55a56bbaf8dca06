"""The numbers that tests/tool/train/mod.rs compares the trainer with, computed by PyTorch in double precision.

    python tests/tool/train/torch_reference.py > tests/tool/train/torch.json

Small networks on weights, images and labels that both sides make from the same formula: the loss,
every gradient, the measured statistics' inputs, and every trained number after three steps of Adam.
"""

import json

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
EPSILON = 1e-4


def noise(count, salt):
    """Numbers in [-0.5, 0.5) from a 32-bit mixing function; the Rust side has the same."""
    out = []
    for i in range(count):
        x = (i * 2654435761 + salt * 40503 + 12345) & 0xFFFFFFFF
        x ^= x >> 16
        x = (x * 2246822519) & 0xFFFFFFFF
        x ^= x >> 13
        x = (x * 3266489917) & 0xFFFFFFFF
        x ^= x >> 16
        out.append((x >> 8) / 2.0**24 - 0.5)
    return torch.tensor(out)


class Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, y, ste, power):
        ctx.save_for_backward(y)
        ctx.ste, ctx.power = ste, power
        return torch.where(y >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, gradient):
        (y,) = ctx.saved_tensors
        size = y.abs()
        if ctx.ste == "clipped":
            slope = (size <= 1).double()
        elif ctx.ste == "polynomial":
            slope = (2 - 2 * size).clamp(min=0)
        else:
            slope = ctx.power * size.clamp(min=0.1) ** (ctx.power - 1) * (size <= 1.5)
        return gradient * slope, None, None


class Latent(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight):
        return torch.where(weight >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, gradient):
        return gradient


# kind, outputs, kernel, stride, pad, pad value, pool; of a shortcut the layer that it begins at, and the scale beside it
NETWORKS = {
    "cnn": {
        "input": [2, 9, 8],
        "code": "int8",
        "ste": "clipped",
        "layers": [
            ["conv", 12, 3, 1, 1, 0, 1],
            ["conv", 7, 3, 1, 1, -1, 2],
            ["conv", 5, 2, 2, 0, 0, 1],
            ["dense", 9, 0, 1, 0, 0, 1],
            ["scores", 10, 0, 1, 0, 0, 1],
        ],
    },
    "mlp": {
        "input": [1, 5, 6],
        "code": "bipolar",
        "ste": "polynomial",
        "layers": [["dense", 11, 0, 1, 0, 0, 1], ["dense", 8, 0, 1, 0, 0, 1], ["scores", 9, 0, 1, 0, 0, 1]],
    },
    "padded": {
        "input": [3, 6, 6],
        "code": "bipolar",
        "ste": "reste",
        "layers": [
            ["conv", 10, 3, 1, 1, 1, 1],
            ["conv", 6, 3, 1, 2, 0, 3],
            ["scores", 5, 0, 1, 0, 0, 1],
        ],
    },
    "residual": {
        "input": [2, 10, 8],
        "code": "int8",
        "ste": "polynomial",
        "layers": [
            ["conv", 10, 3, 1, 1, 0, 2],
            ["conv", 10, 3, 1, 1, -1, 1, 0, 0.25],
            ["conv", 9, 1, 1, 0, 0, 1],
            ["conv", 10, 3, 1, 1, 0, 1, 1, 0.5],
            ["conv", 10, 3, 1, 1, 1, 1, 3, 0.25],
            ["dense", 8, 0, 1, 0, 0, 1],
            ["dense", 8, 0, 1, 0, 0, 1, 5, 2.0],
            ["dense", 8, 0, 1, 0, 0, 1, 5, 1.0],
            ["scores", 6, 0, 1, 0, 0, 1],
        ],
    },
}
BATCH, SMOOTHING, RATE, STEPS = 32, 0.1, 0.02, 3


def run(net):
    channels, rows, columns = net["input"]
    pixels = ((noise(BATCH * channels * rows * columns, 1) + 0.5) * 256).floor()
    pixels = pixels.reshape(BATCH, channels, rows, columns)
    x = (pixels - 128) / 128 if net["code"] == "int8" else torch.where(pixels >= 128, 1.0, -1.0)
    classes = net["layers"][-1][1]
    labels = torch.tensor([(i * 7 + 1) % classes for i in range(BATCH)])
    parameters, shape = [], list(net["input"])
    for index, (kind, outputs, kernel, stride, pad, value, pool, *_) in enumerate(net["layers"]):
        kh, kw = (kernel, kernel) if kind == "conv" else shape[1:]
        fan_in = kh * kw * shape[0]
        # (kernel row, kernel column, input, output), as the trainer holds them
        latent = noise(fan_in * outputs, 10 + index).reshape(kh, kw, shape[0], outputs)
        last = kind == "scores"
        gamma = torch.tensor([1 / fan_in**0.5]) if last else noise(outputs, 30 + index) + 0.75
        beta = torch.zeros(0) if last else noise(outputs, 50 + index)
        parameters.append([p.clone().requires_grad_() for p in (latent, gamma, beta)])
        h, w = (shape[1] + 2 * pad - kh) // stride + 1, (shape[2] + 2 * pad - kw) // stride + 1
        shape = [outputs, h // pool, w // pool]
    every = [p for layer in parameters for p in layer if p.numel()]
    adam = torch.optim.Adam(every, lr=RATE, betas=(0.9, 0.999), eps=1e-8)

    keepers = {layer[7] for layer in net["layers"] if len(layer) > 7}

    def loss_of(progress):
        y, kept = x, {}
        for index, (layer, (latent, gamma, beta)) in enumerate(zip(net["layers"], parameters)):
            kind, _, _, stride, pad, value, pool, *shortcut = layer
            weight = Latent.apply(latent).permute(3, 2, 0, 1)
            y = F.conv2d(F.pad(y, [pad] * 4, value=value), weight, stride=stride)
            if kind == "scores":
                return F.cross_entropy(y.flatten(1) * gamma, labels, label_smoothing=SMOOTHING)
            if shortcut:
                y = shortcut[1] * y + kept[shortcut[0]]
            if index in keepers:
                y = kept[index] = F.max_pool2d(y, pool)
                pool = 1
            y = F.batch_norm(y, None, None, gamma, beta, True, 0.0, EPSILON)
            if pool > 1:
                y = F.max_pool2d(y, pool)
            y = Sign.apply(y, net["ste"], 1 / (1 + 2 * progress))

    result = {**net, "losses": []}
    for step in range(STEPS):
        loss = loss_of(step / STEPS)
        adam.zero_grad()
        loss.backward()
        result["losses"].append(float(loss.detach()))
        if step == 0:
            result["gradients"] = [[flat(p.grad) if p.numel() else [] for p in layer] for layer in parameters]
        adam.step()
        with torch.no_grad():
            for latent, _, _ in parameters:
                latent.clamp_(-1, 1)
    # Weights are many: the last layer's, and of the others every seventh.
    result["after"] = [
        [flat(layer[0])[::7], flat(layer[1]), flat(layer[2])] for layer in parameters
    ]
    result["gradients"] = [[g[0][::7], g[1], g[2]] for g in result["gradients"]]
    return result


def flat(tensor):
    return [float(f"{v:.9g}") for v in tensor.detach().reshape(-1).tolist()]


def main():
    settings = {"batch": BATCH, "smoothing": SMOOTHING, "rate": RATE, "steps": STEPS}
    print(json.dumps({"torch": torch.__version__, **settings, "networks": {k: run(v) for k, v in NETWORKS.items()}}))


if __name__ == "__main__":
    main()
