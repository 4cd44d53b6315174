"""PyTorch's own sample and error inputs (its op database), run against the module under test."""
