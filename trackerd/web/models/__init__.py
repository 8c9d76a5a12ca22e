"""What the API takes and answers: one model for each thing, from which the OpenAPI and the pages' types are made."""
