"""The application: everything that the rooms beside this file hold, behind Backstay."""

from backstay import Backstay

app = Backstay("backend")
