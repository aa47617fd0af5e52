"""What runs the product: real parts on one machine, the container image, CI."""
