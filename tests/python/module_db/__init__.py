"""PyTorch's databases of modules and optimizers, `module_db` and `optim_db`, run against the library under test."""
