"""The command line, one module per group of commands. Thin: they read options, call a package, print."""
