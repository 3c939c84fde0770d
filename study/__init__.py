"""How batch size and sparsity change the number of steps that a neural network needs to train."""
