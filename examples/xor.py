"""A two-layer network learns XNOR (1 where both inputs agree): `python -m examples.xor`.

Prints the targets, the predictions and the softmax of the trained network.
"""

import argparse

import tensorgrad


def main(device: str = "cpu", seed: int = 0, steps: int = 5000, log_every: int = 0) -> None:
    """Train, then print what the network gives for its four inputs.

    Args:
        device: where the tensors live.
        seed: seed of the initial weights; the rest of the program has no chance in it.
        steps: steps of gradient descent, each on all four inputs.
        log_every: print the loss every so many steps; 0 prints none.
    """
    tensorgrad.manual_seed(seed)
    x = tensorgrad.tensor([[0, 0], [0, 1], [1, 0], [1, 1]]).float().to(device)
    y = tensorgrad.tensor([1, 0, 0, 1]).long().to(device)
    model = tensorgrad.nn.Sequential(
        tensorgrad.nn.Linear(2, 8),
        tensorgrad.nn.ReLU(),
        tensorgrad.nn.Linear(8, 2),
    )
    model.to(device)
    optimizer = tensorgrad.optim.SGD(model.parameters(), lr=0.5)
    loss_fn = tensorgrad.nn.CrossEntropyLoss()

    model.train()
    for step in range(1, steps + 1):
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
        if log_every and step % log_every == 0:
            print(f"step {step} loss {loss.item():#.6g}")

    model.eval()
    with tensorgrad.no_grad():
        softmax = model(x).softmax(-1).to("cpu").numpy()
    print(f"targets: {y.to('cpu').numpy()}")
    print(f"prediction: {softmax.argmax(-1)}")
    print("softmax:")
    print(softmax)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m examples.xor", description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", default=0, type=int, help="seed of the initial weights (default: 0)")
    parser.add_argument("--steps", default=5000, type=int, help="training steps (default: 5000)")
    parser.add_argument(
        "--log_every", default=0, type=int, help="print the loss every N steps (default: never)"
    )
    main(**vars(parser.parse_args()))
