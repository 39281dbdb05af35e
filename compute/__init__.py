"""Where training and transform jobs and endpoints run: one port, one adapter a file, wired in `registry`."""
