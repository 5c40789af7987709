"""What runs on a person's machine only: the command line, runs, the corpus."""
