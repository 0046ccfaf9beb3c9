"""The JSON API and the page of the local server; `routes` lists what is served."""
