"""What the mails of the platform say."""
