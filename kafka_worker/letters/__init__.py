"""Dead letters: what one is, its topic, and what people do with them.

The topic is the only truth about them; nothing else keeps a list. A letter's key names its
message, so that one written twice is one, and a record with that key and without a value discards
it. The topic is compacted by key, which is what makes a discarded letter go away for good.
"""
