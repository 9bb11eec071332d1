"""The commands, one file a subject: read the arguments, call a flow or view, show the result, give the exit code."""
