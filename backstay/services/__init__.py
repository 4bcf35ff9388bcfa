"""What the product does: business verbs, permission checks, the transaction. No HTTP, no SQL."""
