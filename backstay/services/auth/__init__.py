"""Who is calling: access tokens, API keys, and the one value that both end in."""
