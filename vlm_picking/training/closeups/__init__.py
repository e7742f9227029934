"""The embedded classifier: it sees close up, with depth, what the embedded detector found."""
