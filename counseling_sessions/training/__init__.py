"""Fine-tuning on sessions: the corpus, examples of every role, LoRA, export to GGUF, and reports on held-out sessions."""
