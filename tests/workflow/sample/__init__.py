"""An app with workflows of its own and a consumer of a topic of its own, for the tests."""
