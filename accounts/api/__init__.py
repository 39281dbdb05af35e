"""HTTP for people: session, own preferences, invitations, tokens, first set-up."""
