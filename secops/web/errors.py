"""What a person sees when something goes wrong: one sentence, the next step, an id; never a trace."""

from __future__ import annotations

import logging

from flask import Flask, current_app, g, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from secops.api.problems import problem
from secops.errors import Conflict, SecopsError
from secops.scope import ScopeViolation
from secops.web.lang import language, t
from secops.web.principal import API_ROOT

log = logging.getLogger("secops.web")


def register(app: Flask) -> None:
    """Attach one handler per kind of trouble."""
    app.register_error_handler(SecopsError, _known)
    app.register_error_handler(StaleDataError, _stale)
    app.register_error_handler(ScopeViolation, _outside)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(OperationalError, _database)
    app.register_error_handler(Exception, _unknown)


def _answer(status: int, sentence: str, next_step: str = "") -> ResponseReturnValue:
    current_app.extensions["secops"].session.rollback()
    if request.path.startswith(API_ROOT):
        return problem(status, sentence, sentence)
    if request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json":
        return jsonify({"error": sentence, "next": next_step, "request_id": g.get("request_id", "")}), status
    return (
        render_template(
            "secops/error.html",
            status=status,
            sentence=sentence,
            next_step=next_step,
            request_id=g.get("request_id", ""),
        ),
        status,
    )


def _known(error: SecopsError) -> ResponseReturnValue:
    return _answer(error.status, error.text(language()))


def _stale(error: StaleDataError) -> ResponseReturnValue:
    return _known(Conflict())


def _outside(error: ScopeViolation) -> ResponseReturnValue:
    log.warning(
        "scope.violation", extra={"fields": {"kind": error.kind, "request_id": g.get("request_id", "")}}
    )
    return _answer(404, t("没有这条记录，或不在您的权限范围内。", "There is no such record in your scope."))


def _csrf(error: CSRFError) -> ResponseReturnValue:
    return _answer(
        400,
        t("页面已过期，操作没有执行。", "The page has expired; nothing was changed."),
        t("请返回上一页刷新后重试。", "Go back, reload and try again."),
    )


def _http(error: HTTPException) -> ResponseReturnValue:
    sentences = {
        404: t("没有这个页面，或不在您的权限范围内。", "There is no such page in your scope."),
        405: t("这个地址不接受这种请求。", "This address does not take that kind of request."),
        413: t("文件或表单太大，没有保存。", "The file or form is too large; nothing was saved."),
    }
    code = error.code or 500
    if isinstance(error, MethodNotAllowed):
        answer = make_response(_answer(405, sentences[405]))
        answer.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
        return answer
    return _answer(code, sentences.get(code, t("请求无法处理。", "The request could not be handled.")))


def _database(error: OperationalError) -> ResponseReturnValue:
    log.error("database.unavailable", extra={"fields": {"request_id": g.get("request_id", "")}})
    return _answer(
        503,
        t("数据库暂时不可用，操作没有执行。", "The database is not available; nothing was changed."),
        t(
            "请稍后重试；管理员可运行 secops doctor。",
            "Try again soon; an administrator can run: secops doctor",
        ),
    )


def _unknown(error: Exception) -> ResponseReturnValue:
    log.error("request.failed", exc_info=error, extra={"fields": {"request_id": g.get("request_id", "")}})
    return _answer(
        500,
        t("平台内部错误，操作没有执行。", "Something broke inside the platform; nothing was changed."),
        t("请把下面的编号告诉系统管理员。", "Give the number below to the system administrator."),
    )
