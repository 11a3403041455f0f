"""Prints what Fairlearn, scipy and statsmodels say of a dataset, and of how reviewers agree: both are JSON in a file."""

import json
import sys

import numpy as np
import pandas as pd
from fairlearn.metrics import MetricFrame, count, mean_prediction, selection_rate
from scipy import stats
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint, proportions_ztest

with open(sys.argv[1], encoding="utf-8") as file:
    asked = json.load(file)
table = pd.DataFrame(asked["rows"])
alpha = asked["alpha"]


def compare(one, other, is_share):
    if not is_share:
        return stats.ttest_ind(one, other, equal_var=False).pvalue
    having = [int(one.sum()), int(other.sum())]
    of = [len(one), len(other)]
    share = sum(having) / sum(of)
    if min(of) * min(share, 1 - share) < 5:
        return stats.fisher_exact([[having[0], of[0] - having[0]], [having[1], of[1] - having[1]]]).pvalue
    return proportions_ztest(having, of)[1]


def interval(values, is_share):
    if is_share:
        return proportion_confint(int(values.sum()), len(values), alpha, "wilson")
    return stats.t.interval(1 - alpha, len(values) - 1, values.mean(), stats.sem(values))


findings = []
for attribute in asked["attributes"]:
    for outcome in asked["outcomes"]:
        values = table[outcome].astype(float)
        is_share = bool(values.isin([0, 1]).all())
        metrics = {"average": mean_prediction, "count": count}
        if is_share:
            metrics["selection_rate"] = selection_rate
        frame = MetricFrame(metrics=metrics, y_true=values, y_pred=values, sensitive_features=table[attribute])
        groups = {}
        for group, row in frame.by_group.iterrows():
            within = table[attribute] == group
            groups[group] = {
                "average": row["average"],
                "size": int(row["count"]),
                "selection_rate": row.get("selection_rate"),
                "p": float(compare(values[within], values[~within], is_share)),
                "interval": [float(bound) for bound in interval(values[within], is_share)],
            }
        findings.append(
            {
                "attribute": attribute,
                "outcome": outcome,
                "groups": groups,
                "ratio": float(frame.ratio(method="between_groups")["average"]),
                "difference": float(frame.difference(method="between_groups")["average"]),
            }
        )
probabilities = [group["p"] for finding in findings for group in finding["groups"].values()]
corrected = iter(multipletests(probabilities, alpha, "holm")[1])
for finding in findings:
    for group in finding["groups"].values():
        group["corrected"] = float(next(corrected))
agreements = [cohens_kappa(np.array(table)) for table in asked["agreements"]]
kappas = [[float(one.kappa), float(one.kappa_low), float(one.kappa_upp)] for one in agreements]
told = {"findings": findings, "kappas": kappas}
print(json.dumps(told, default=lambda value: None if np.isnan(value) else value))
