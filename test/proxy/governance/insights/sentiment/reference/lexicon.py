"""Prints the lexicon of the reference, and of its emoji those of one code point, which alone it looks for."""

import json

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

analyzer = SentimentIntensityAnalyzer()
emoji = {sign: name for sign, name in analyzer.emojis.items() if len(sign) == 1}
print(json.dumps({"valences": analyzer.lexicon, "emoji": emoji}))
