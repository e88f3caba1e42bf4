"""How varied sessions are: pooled n-grams, self-BLEU, and embeddings."""
