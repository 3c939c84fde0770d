"""The error that is the user's to mend."""


class UserError(Exception):
    """A mistake of the user's: the message names the field, the rule, the value received and the remedy.

    The command line prints it in one line and exits with 2; no traceback.
    """
