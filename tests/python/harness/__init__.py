"""What the Python tests share: the module under test, conversion to and from PyTorch, comparison, tables of rows."""
