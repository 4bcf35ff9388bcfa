"""Endpoints written by hand: plain FastAPI routers."""
