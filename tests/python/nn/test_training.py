"""Whole programs: initial weights, losses and final weights of small trainings, with torch and with tensorgrad."""

import pytest

from tests.python.twin import twin


@twin(rtol=1e-3, atol=1e-5)
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"lr": 0.5}),
        ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
        ("Adam", {"lr": 0.05}),
        ("AdamW", {"lr": 0.05, "amsgrad": True}),
    ],
    ids=str,
)
def test_xor(torch, log, name, options):
    torch.manual_seed(3)
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = torch.tensor([0, 1, 1, 0])
    net = torch.nn.Sequential(torch.nn.Linear(2, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2))
    loss_of = torch.nn.CrossEntropyLoss()
    optimizer = getattr(torch.optim, name)(net.parameters(), **options)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = loss_of(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    log(losses, net.state_dict(), net(x).argmax(1))


@twin(rtol=1e-3, atol=1e-5)
def test_images(torch, log):
    nn = torch.nn
    data = torch.utils.data
    torch.manual_seed(5)
    x = torch.randn(48, 1, 8, 8)
    y = (x.mean((1, 2, 3)) > 0).to(torch.int64)
    train, rest = data.random_split(data.TensorDataset(x, y), [32, 16])
    net = nn.Sequential(
        nn.Conv2d(
            1, 4, 3, padding=1, bias=False
        ),  # a bias here has no gradient but noise, which Adam blows up
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.1),
        nn.Flatten(),
        nn.Linear(64, 2),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    losses = []
    for _ in range(3):
        net.train()
        for images, labels in data.DataLoader(train, batch_size=8, shuffle=True):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    net.eval()
    with torch.no_grad():
        log([net(images) for images, _ in data.DataLoader(rest, batch_size=8)])
    log(losses, torch.rand(2))
