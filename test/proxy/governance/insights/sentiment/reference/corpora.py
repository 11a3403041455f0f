"""Prints each text of the corpora in the source archive of the reference, with how the reference rates it."""

import io
import json
import pathlib
import sys
import tarfile

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

analyzer = SentimentIntensityAnalyzer()
(archive,) = pathlib.Path(sys.argv[1]).glob("*.tar.gz")
with tarfile.open(archive) as source:
    (resources,) = [one for one in source.getmembers() if one.name.endswith("hutto_ICWSM_2014.tar.gz")]
    with tarfile.open(fileobj=io.BytesIO(source.extractfile(resources).read())) as corpora:
        for member in corpora.getmembers():
            if not member.name.endswith("_GroundTruth.txt"):
                continue
            for line in corpora.extractfile(member).read().decode("latin-1").splitlines():
                text = line.strip().split("\t")[-1]
                one = analyzer.polarity_scores(text)
                print(json.dumps([text, one["pos"], one["neg"], one["neu"], one["compound"]]))
