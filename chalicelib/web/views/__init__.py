"""What each route answers. Imported by the route that is called, so that starting up costs none of it."""
