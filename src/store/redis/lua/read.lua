return held()
