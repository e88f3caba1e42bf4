"""New clients: attributes drawn from tables, forms that a model writes of them, and what no form may be."""
