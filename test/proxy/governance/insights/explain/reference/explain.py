"""Prints the Shapley values that shap finds for the words of the texts of a file, by VADER's compound."""

import json
import re
import sys

import numpy
import shap
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

analyzer = SentimentIntensityAnalyzer()


def explain(text):
    words = re.findall(r"^\s*\S+\s*|\S+\s*", text)

    def model(coalitions):
        kept = ["".join(word for word, is_in in zip(words, one) if is_in > 0.5) for one in coalitions]
        return numpy.array([analyzer.polarity_scores(one)["compound"] for one in kept])

    count = len(words)
    masker = shap.maskers.Independent(numpy.zeros((1, count)))
    explained = shap.explainers.ExactExplainer(model, masker)(numpy.ones((1, count)))
    return {"base": float(explained.base_values[0]), "values": explained.values[0].tolist()}


with open(sys.argv[1], encoding="utf-8") as file:
    print(json.dumps([explain(text) for text in json.load(file)]))
