"""Errors of the interface, RFC 9457: ``application/problem+json``, one sentence, never a trace."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, g, jsonify

from secops.web.lang import t


def problem(status: int, zh: str, en: str, **more: object) -> Response:
    """One problem document."""
    answer = jsonify(
        {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": t(zh, en),
            "request_id": g.get("request_id", ""),
            **more,
        }
    )
    answer.status_code = status
    answer.mimetype = "application/problem+json"
    return answer
