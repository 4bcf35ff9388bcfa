"""The generated API's verbs: read and write resources, for a caller, under the rules."""
