"""Who may: the caller, the terms of rules that read it, and the rules themselves."""
