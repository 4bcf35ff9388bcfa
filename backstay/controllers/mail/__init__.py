"""The page that shows a developer what mails would have left."""
