"""Whole steps of training: forward, backward, optimizer."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

from .registry import Run, case


def _example(torch: Any, name: str) -> Any:
    """A module of the examples on `torch`; their files name their library as `tensorgrad`."""
    sys.modules["tensorgrad"] = torch
    return importlib.import_module(f"examples.{name}")


def _step(optimizer: Any, loss_of: Callable[[], Any], before_update: Callable[[], Any] = lambda: None) -> Run:
    def step() -> None:
        optimizer.zero_grad()
        loss_of().backward()
        before_update()
        optimizer.step()

    return step


def _xor(torch: Any, optimizer: str, **options: Any) -> Run:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(2, 10), torch.nn.ReLU(), torch.nn.Linear(10, 2))
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = torch.tensor([0, 1, 1, 0])
    loss_of = torch.nn.CrossEntropyLoss()
    return _step(getattr(torch.optim, optimizer)(model.parameters(), **options), lambda: loss_of(model(x), y))


@case("steps", "XOR, SGD")
def xor_sgd(torch: Any) -> Run:
    return _xor(torch, "SGD", lr=0.1)


@case("steps", "XOR, Adam")
def xor_adam(torch: Any) -> Run:
    return _xor(torch, "Adam", lr=0.01)


@case("steps", "RL policy, 16 states")
def policy(torch: Any) -> Run:
    """REINFORCE: the log-probabilities of the actions taken, weighted with their advantages."""
    torch.manual_seed(0)
    nn = torch.nn
    model = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 4))
    states, actions, advantages = torch.randn(16, 8), torch.randint(0, 4, (16, 1)), torch.randn(16)

    def loss() -> Any:
        taken = model(states).log_softmax(-1).gather(1, actions).squeeze(1)
        return -(taken * advantages).mean()

    return _step(torch.optim.Adam(model.parameters(), lr=1e-3), loss)


@case("steps", "MLP on 28x28, 64 images")
def mlp(torch: Any) -> Run:
    torch.manual_seed(0)
    nn = torch.nn
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)
    )
    x, y = torch.randn(64, 1, 28, 28), torch.randint(0, 10, (64,))
    loss_of = nn.CrossEntropyLoss()
    return _step(torch.optim.Adam(model.parameters(), lr=1e-3), lambda: loss_of(model(x), y))


@case("steps", "ConvNet of examples.mnist, 32 images")
def convnet(torch: Any) -> Run:
    torch.manual_seed(0)
    model = _example(torch, "mnist.cnn.model").CNN()
    x, y = torch.randn(32, 1, 28, 28), torch.randint(0, 10, (32,))
    loss_of = torch.nn.CrossEntropyLoss()
    return _step(torch.optim.Adam(model.parameters(), lr=1e-3), lambda: loss_of(model(x), y))


@case("steps", "ViT of examples.mnist, 32 images")
def vit(torch: Any) -> Run:
    torch.manual_seed(0)
    model = _example(torch, "mnist.vit.model").ViT()
    x, y = torch.randn(32, 1, 28, 28), torch.randint(0, 10, (32,))
    loss_of = torch.nn.CrossEntropyLoss()
    return _step(torch.optim.Adam(model.parameters(), lr=1e-3), lambda: loss_of(model(x), y))


@case("steps", "GPT of examples.gpt, 32x64 characters")
def gpt(torch: Any) -> Run:
    torch.manual_seed(0)
    model = _example(torch, "gpt.model").GPT(65, 64, 128, 4, 4, 0.0)
    x, y = (torch.randint(0, 65, (32, 64)) for _ in range(2))
    return _step(
        torch.optim.AdamW(model.parameters(), lr=1e-3),
        lambda: model.loss(x, y),
        lambda: torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0),
    )


def _residual_block(torch: Any, inputs: int, outputs: int, stride: int) -> Any:
    """He et al. 2016, figure 2: two 3x3 convolutions, a 1x1 one on the way around where the shape changes."""
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(outputs)
            self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(outputs)
            self.relu = nn.ReLU()
            self.around = nn.Identity()
            if stride != 1 or inputs != outputs:
                around = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
                self.around = nn.Sequential(around, nn.BatchNorm2d(outputs))

        def forward(self, x: Any) -> Any:
            inner = self.relu(self.bn1(self.conv1(x)))
            return self.relu(self.bn2(self.conv2(inner)) + self.around(x))

    return Block()


@case("steps", "ResNet-14, 32 images of 3x32x32")
def resnet(torch: Any) -> Run:
    """Section 4.2 of He et al. 2016 with n = 2: 6 n + 2 layers of 16, 32 and 64 channels."""
    torch.manual_seed(0)
    nn = torch.nn
    blocks, inputs = [], 16
    for outputs, stride in ((16, 1), (16, 1), (32, 2), (32, 1), (64, 2), (64, 1)):
        blocks.append(_residual_block(torch, inputs, outputs, stride))
        inputs = outputs
    stem = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    model = nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
    x, y = torch.randn(32, 3, 32, 32), torch.randint(0, 10, (32,))
    loss_of = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    return _step(optimizer, lambda: loss_of(model(x), y))


@case("steps", "VAE on 28x28, 128 images")
def vae(torch: Any) -> Run:
    """Kingma and Welling 2014: 784-400-20-400-784."""
    torch.manual_seed(0)
    nn, F = torch.nn, torch.nn.functional
    encoder = nn.Sequential(nn.Linear(784, 400), nn.ReLU())
    mean_of, log_var_of = nn.Linear(400, 20), nn.Linear(400, 20)
    decoder = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784), nn.Sigmoid())
    model = nn.ModuleList([encoder, mean_of, log_var_of, decoder])
    x = torch.rand(128, 784)

    def loss() -> Any:
        hidden = encoder(x)
        mean, log_var = mean_of(hidden), log_var_of(hidden)
        z = mean + torch.randn_like(mean) * torch.exp(0.5 * log_var)
        likelihood = F.binary_cross_entropy(decoder(z), x, reduction="sum")
        return likelihood - 0.5 * torch.sum(1 + log_var - mean.pow(2) - log_var.exp())

    return _step(torch.optim.Adam(model.parameters(), lr=1e-3), loss)
