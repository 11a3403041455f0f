"""The requests of the insights API, and how their answers are read: what its two clients share."""

from __future__ import annotations

from typing import Any, Callable, List, Mapping, Optional, TypeVar
from urllib.parse import quote

from . import insights
from ._calls import Call, Fields, stated
from .errors import ChatError
from .models import read

T = TypeVar("T")


def data_of(raw: Any) -> Fields:
    """What counts of an answer."""
    data = raw.get("data") if isinstance(raw, dict) else None
    if not isinstance(data, dict):
        message = "The server answers something else than this API does: is base_url right?"
        raise ChatError("invalid_answer", message)
    return data


def _post(path: str, parse: Callable[[Fields], T], **fields: object) -> Call[T]:
    return Call("POST", path, lambda raw: parse(data_of(raw)), stated(fields))


def _parse_login(data: Fields) -> insights.Login:
    return read(insights.Login, data)


def log_in(username: str, password: str) -> Call[insights.Login]:
    return _post("/auth/login", _parse_login, username=username, password=password)


def refresh(login: insights.Login) -> Call[insights.Login]:
    return _post("/auth/refresh", _parse_login, refresh_token=login.refresh_token)


def log_out() -> Call[None]:
    return _post("/auth/logout", lambda data: None)


def analyze_sentiment(**fields: object) -> Call[insights.Sentiment]:
    return _post("/analyze/sentiment", lambda data: read(insights.Sentiment, data, **data["analysis"]), **fields)


def _parse_results(data: Fields) -> insights.BatchResults:
    return read(
        insights.BatchResults,
        data,
        results=[read(insights.BatchResult, one) for one in data["results"]],
        summary=read(insights.BatchSummary, data["summary"]),
    )


def analyze_batch(**fields: object) -> Call[insights.BatchResults]:
    return _post("/analyze/batch", _parse_results, **fields)


def _parse_batch(data: Fields) -> insights.QueuedBatch:
    if "results" not in data:
        return read(insights.QueuedBatch, data)
    found = _parse_results(data)
    return read(insights.QueuedBatch, data, results=found.results, summary=found.summary)


def queue_batch(**fields: object) -> Call[insights.QueuedBatch]:
    return _post("/analyze/batch", _parse_batch, **fields, **{"async": True})


def get_batch(batch_id: str) -> Call[insights.QueuedBatch]:
    return Call("GET", f"/analyze/batch/{quote(batch_id, safe='')}", lambda raw: _parse_batch(data_of(raw)))


def anonymize(**fields: object) -> Call[insights.AnonymizedText]:
    return _post("/privacy/anonymize", lambda data: read(insights.AnonymizedText, data), **fields)


def restore(mapping_id: str, text: str) -> Call[insights.RestoredText]:
    parse: Callable[[Fields], insights.RestoredText] = lambda data: read(insights.RestoredText, data)
    return _post("/privacy/restore", parse, mapping_id=mapping_id, text=text)


def delete_mapping(mapping_id: str) -> Call[None]:
    return Call("DELETE", f"/privacy/mappings/{quote(mapping_id, safe='')}", lambda raw: None)


def _parse_report(data: Fields) -> insights.FairnessReport:
    findings = [read(insights.FairnessFinding, one) for one in data["detailed_findings"]]
    return read(insights.FairnessReport, data, detailed_findings=findings)


def analyze_fairness(**fields: object) -> Call[insights.FairnessReport]:
    return _post("/fairness/analyze", _parse_report, **fields)


def upload_fairness(
    content: Any,
    format: str,
    encoding: Optional[str],
    attributes: List[str],
    outcome_columns: List[str],
    intersections: Optional[bool],
    **terms: object,
) -> Call[insights.FairnessReport]:
    headers = {"Content-Type": "text/csv" if format == "csv" else "application/x-ndjson"}
    if encoding is not None:
        headers["Content-Encoding"] = encoding
    query = stated(
        {
            "attributes": ",".join(attributes),
            "outcome_columns": ",".join(outcome_columns),
            "intersections": None if intersections is None else str(intersections).lower(),
            **terms,
        }
    )
    parse: Callable[[Fields], insights.FairnessReport] = lambda raw: _parse_report(data_of(raw))
    return Call("POST", "/fairness/analyze/upload", parse, query=query, content=content, headers=headers)


def generate_response(**fields: object) -> Call[insights.DraftedResponse]:
    return _post("/generate/response", lambda data: read(insights.DraftedResponse, data), **fields)


def get_summary(**query: object) -> Call[insights.Summary]:
    def parse(raw: Fields) -> insights.Summary:
        data = data_of(raw)
        timeline = [read(insights.TimelineGroup, one) for one in data["timeline_data"]]
        issues = [read(insights.Issue, one) for one in data["top_issues"]]
        return read(insights.Summary, data, timeline_data=timeline, top_issues=issues)

    return Call("GET", "/analytics/summary", parse, query=stated(query))


def list_models() -> Call[insights.ListedModels]:
    def parse(raw: Fields) -> insights.ListedModels:
        data = data_of(raw)
        return read(insights.ListedModels, data, providers=[read(insights.ListedModel, one) for one in data["providers"]])

    return Call("GET", "/ai/providers", parse)


def parse_text(raw: Fields) -> insights.GeneratedText:
    return read(insights.GeneratedText, data_of(raw))


def generate(**fields: object) -> Call[insights.GeneratedText]:
    return Call("POST", "/ai/generate", parse_text, stated(fields))


def embed(texts: List[str], model: str, dimensions: Optional[int]) -> Call[insights.Embeddings]:
    parse: Callable[[Fields], insights.Embeddings] = lambda data: read(insights.Embeddings, data)
    return _post("/ai/embed", parse, texts=texts, model=model, dimensions=dimensions)


def classify(text: str, categories: List[str], model: Optional[str]) -> Call[insights.Classification]:
    parse: Callable[[Fields], insights.Classification] = lambda data: read(insights.Classification, data)
    return _post("/ai/classify", parse, text=text, categories=categories, model=model)


def _parse_explanation(data: Fields) -> insights.Explanation:
    told: Mapping[str, Any] = data["explanation"]
    features = [read(insights.FeatureImportance, one) for one in told["feature_importance"]]
    return read(insights.Explanation, {**data["prediction"], **told}, feature_importance=features)


def explain(model_name: str, text: str, language: Optional[str]) -> Call[insights.Explanation]:
    asked = stated({"text": text, "language": language})
    return _post("/ai/explain", _parse_explanation, model_name=model_name, data=asked, explanation_method="shap")
