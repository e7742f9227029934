"""Vision-language models behind small protocols."""
