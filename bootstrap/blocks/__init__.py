"""One folder per block; blocks never import blocks, only ``bootstrap.roles`` combines them."""
