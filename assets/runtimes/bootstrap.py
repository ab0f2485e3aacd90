# Begins a Python function. All the rest is a module of its own, which Python compiles only once.
import sys

import waterwheel_runtime

sys.dont_write_bytecode = True
waterwheel_runtime.main()
