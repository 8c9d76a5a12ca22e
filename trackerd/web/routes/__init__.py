"""The API's addresses, one module for each thing they are about."""
