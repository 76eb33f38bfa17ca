"""Today's visits: whom each district goes to first, within what it can do; and random checks where a plan allows them."""
