"""Prints how the reference rates the texts of a file."""

import json
import sys

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

analyzer = SentimentIntensityAnalyzer()
with open(sys.argv[1], encoding="utf-8") as file:
    texts = json.load(file)
rated = [analyzer.polarity_scores(text) for text in texts]
print(json.dumps([[one["pos"], one["neg"], one["neu"], one["compound"]] for one in rated]))
