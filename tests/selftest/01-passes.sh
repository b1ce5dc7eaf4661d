# A scenario that does nothing wrong passes.
# verdict: ok
check true
