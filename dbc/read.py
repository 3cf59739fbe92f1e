import cantools
def read_dbc(path): return cantools.database.load_file(str(path), prune_choices=False)
