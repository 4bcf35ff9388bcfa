"""The doors of identity, in the words of the GoTrue protocol."""
