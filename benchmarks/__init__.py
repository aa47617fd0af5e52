"""How fast the product is, each figure beside a baseline of the same run (`make bench`)."""
