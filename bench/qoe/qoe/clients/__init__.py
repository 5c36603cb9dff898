"""Programs that run inside the namespaces."""
