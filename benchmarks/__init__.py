"""The same programs on tensorgrad and on PyTorch, in processes of their own: `python -m benchmarks`."""
