"""Subject libraries: small, standard library only, knowing nothing of ours."""
