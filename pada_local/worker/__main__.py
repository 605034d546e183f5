"""`python -m pada_local.worker`: one student worker on stdin and stdout."""

from pada_local.worker.main import main

main()
