"""The nouns of the house: values, messages, records and the order-state table. Pure; imports nothing of ours."""
