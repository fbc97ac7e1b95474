"""Settings of all tests."""

import signal

# A shell that starts a job in the background has it ignore Ctrl-C, and so would each program that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
