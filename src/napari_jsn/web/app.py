"""The application: which address answers with what."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from napari_jsn import __version__
from napari_jsn.common.errors import InputError
from napari_jsn.reading import Reading, all_back_to_initial, back_to_initial, give_grade
from napari_jsn.reading.downloads import DOWNLOADS, download
from napari_jsn.scoring import Scheme
from napari_jsn.web import asked, sessions, views
from napari_jsn.web.labels import LANGUAGES, labels
from napari_jsn.web.pictures import map_bytes, pixel_bytes
from napari_jsn.web.received import Sent
from napari_jsn.web.workplace import Workplace, checked_reader

_HERE = Path(__file__).parent
_LOG = logging.getLogger(__name__)
#: Seconds between two looks at a job.
_LOOK_S = 0.1
Handler = Callable[[Request], Awaitable[Response]]


def make_app(workplace: Workplace) -> Starlette:
    """Return the application on a workplace; a :class:`~napari_jsn.web.guard.Guard` must stand before it."""
    pages = Pages(workplace)
    get = {
        "/": pages.page(pages.start), "/patient": pages.page(pages.patient), "/help": pages.page(pages.help),
        "/download": pages.data(pages.download), "/pixels": pages.data(pages.pixels),
        "/joint": pages.data(pages.joint), "/table": pages.data(pages.table), "/job": pages.data(pages.job),
        "/progress": pages.data(pages.progress), "/map": pages.data(pages.map), "/session": pages.page(pages.session),
    }  # fmt: skip
    post = {
        "/reader": pages.reader, "/upload": pages.upload, "/abort": pages.abort, "/grade": pages.grade,
        "/initial": pages.initial, "/undo": pages.undo, "/redo": pages.redo, "/delete": pages.delete,
        "/score": pages.score, "/finish": pages.finish,
    }  # fmt: skip
    routes: list[BaseRoute] = [Route(path, handler, methods=["GET"]) for path, handler in get.items()]
    routes += [Route(path, pages.data(handler), methods=["POST"]) for path, handler in post.items()]
    routes.append(Mount("/static", StaticFiles(directory=_HERE / "static")))

    async def other(request: Request, error: Exception) -> Response:
        code = error.status_code if isinstance(error, HTTPException) else 500
        text = "There is no such page." if code == 404 else "This request is not allowed here."
        return pages.error_page(request, text if isinstance(error, HTTPException) else _unexpected(error), code)

    return Starlette(routes=routes, exception_handlers={HTTPException: other, 500: other})


class Pages:
    """What answers the requests."""

    def __init__(self, workplace: Workplace) -> None:
        self._work = workplace
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"), autoescape=select_autoescape(default=True),
            undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip

    # ------------------------------------------------------------------------------------------------ errors and frames

    def page(self, handler: Handler) -> Handler:
        """Return a handler whose errors are pages."""

        @wraps(handler)
        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except InputError as error:
                return self.error_page(request, str(error), 404 if error.argument == "patient" else 400)

        return answer

    def data(self, handler: Handler) -> Handler:
        """Return a handler whose errors are JSON: ``{"error": sentence, "argument": name}``."""

        @wraps(handler)
        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except InputError as error:
                content = {"error": str(error), "argument": error.argument or ""}
                return JSONResponse(content, 400)
            except Exception as error:
                _LOG.debug("A request failed.", exc_info=True)
                return JSONResponse({"error": _unexpected(error), "argument": ""}, 500)

        return answer

    def error_page(self, request: Request, sentence: str, code: int) -> Response:
        """Return a page with a sentence."""
        return self._html(request, "error.html", code, sentence=sentence)

    def _html(self, request: Request, template: str, code: int = 200, **content: Any) -> Response:
        language = asked.language_of(request)
        words = labels(language)
        text = self._templates.get_template(template).render(
            words=words, language=language, languages=LANGUAGES, version=__version__,
            reader=asked.reader_of(request), temporary=self._work.temporary, store=self._work.name,
            path=request.url.path, query=dict(request.query_params), **content,
        )  # fmt: skip
        response = HTMLResponse(text, code)
        if request.query_params.get("language") in LANGUAGES:
            response.set_cookie(asked.LANGUAGE, language, max_age=31_536_000, samesite="strict")
        return response

    # ------------------------------------------------------------------------------------------------------------ pages

    async def start(self, request: Request) -> Response:
        """Answer with the patients of the store and the place to drop radiographs."""
        reader = asked.reader_of(request)

        def look() -> tuple[list[dict[str, Any]], list[dict[str, Any]], bool]:
            with self._work.lock:
                store = self._work.store(reader)
                open_sessions = store.sessions()["locked"].isna()
                return store.patients().to_dict("records"), sessions.sessions_of(store), bool(open_sessions.any())

        patients, own, others = await run_in_threadpool(look)
        await run_in_threadpool(self._work.load_models)  # which may wait for the store
        return self._html(request, "start.html", patients=patients, sessions=own, others=others)

    async def session(self, request: Request) -> Response:
        """Answer with the work list of a reading session."""
        reader, name = asked.named_reader(request), asked.text_in(dict(request.query_params), "name")

        def look() -> dict[str, Any]:
            with self._work.lock:
                store = self._work.store(reader)
                store.refresh()
                return sessions.session_view(Reading(store, name))

        return self._html(request, "session.html", view=await run_in_threadpool(look))

    async def finish(self, request: Request) -> Response:
        """Save that an item of a session is done; answer with the code of the next one."""
        content, reader = await asked.json_of(request), asked.named_reader(request)
        session, code = asked.text_in(content, "session"), asked.text_in(content, "patient")

        def work() -> str:
            with self._work.lock:
                reading = Reading(self._work.store(reader), session)
                reading.finish(code)
                following = reading.next(code)
                return "" if following is None else following.code

        return JSONResponse({"next": await run_in_threadpool(work)})

    async def patient(self, request: Request) -> Response:
        """Answer with the radiographs and the table of a patient."""
        (patient, session), words = _patient(request), labels(asked.language_of(request))
        visit, reader = request.query_params.get("visit", ""), asked.reader_of(request)
        number = int(visit) if visit.isascii() and visit.isdigit() and len(visit) < 6 else None
        if session:
            asked.named_reader(request)

        def look() -> dict[str, Any]:
            with self._work.item(reader, patient, fresh=True, session=session) as item:
                view = views.patient_view(item, number, words, self._work.scheme(reader, session))
                return view | {"session": session}

        view = await run_in_threadpool(look)
        return self._html(request, "patient.html", view=view, downloads=DOWNLOADS)

    async def help(self, request: Request) -> Response:
        """Answer with the keys and the meaning of the marks."""
        return self._html(request, "help.html")

    async def download(self, request: Request) -> Response:
        """Answer with a file: the table, the report, the structured report."""
        (patient, session), what = _patient(request), request.query_params.get("what", "")

        def make() -> tuple[str, str, bytes]:
            with self._work.item(asked.reader_of(request), patient, True, session) as item:
                return download(item, what)

        name, kind, content = await run_in_threadpool(make)
        return Response(content, media_type=kind, headers={"content-disposition": f'attachment; filename="{name}"'})

    # ------------------------------------------------------------------------------------------------------------- data

    async def pixels(self, request: Request) -> Response:
        """Answer with the pixels of a radiograph, or of one joint of it."""
        (patient, session), (visit, side, joint) = _patient(request), _place(request)

        def make() -> tuple[bytes, dict[str, str]]:
            with self._work.item(asked.reader_of(request), patient, session=session) as item:
                return pixel_bytes(*views.pixels_view(item, visit, side, joint))

        content, headers = await run_in_threadpool(make)
        headers["cache-control"] = "private, max-age=3600"
        return Response(content, media_type="application/octet-stream", headers=headers)

    async def joint(self, request: Request) -> Response:
        """Answer with the outlines of one joint at the first visit and at one other."""
        (patient, session), (visit, side, joint) = _patient(request), _place(request)

        def make() -> list[dict[str, Any]]:
            with self._work.item(asked.reader_of(request), patient, session=session) as item:
                return views.joint_views(item, visit, side, joint)

        return JSONResponse({"views": await run_in_threadpool(make)})

    async def map(self, request: Request) -> Response:
        """Answer with a map of what raised the grade of a site, as pixels of the whole radiograph."""
        (patient, session), (visit, side, site) = _patient(request), _place(request)
        kind = asked.text_in(dict(request.query_params), "kind", "")

        def make() -> tuple[bytes, dict[str, str]]:
            with self._work.item(asked.reader_of(request), patient, session=session) as item:
                progression = item.progression
            scores = self._work.model_scores(progression)
            if scores is None:
                raise InputError("There is no scoring model, so there are no maps.", "kind")
            return map_bytes(scores.maps(site, kind, side or None, visit))

        content, headers = await run_in_threadpool(make)
        return Response(content, media_type="application/octet-stream", headers=headers)

    async def table(self, request: Request) -> Response:
        """Answer with the table of one visit."""
        return await self._after(request, *_patient(request), asked.number_in(dict(request.query_params), "visit"))

    async def reader(self, request: Request) -> Response:
        """Take note of who reads."""
        name = checked_reader(asked.text_in(await asked.json_of(request), "name"))
        response = JSONResponse({"reader": name})
        response.set_cookie(**asked.reader_cookie(name))
        return response

    async def upload(self, request: Request) -> Response:
        """Take over radiographs, and begin to measure them."""
        files, texts = await asked.upload_of(request)
        reader = asked.reader_of(request)
        facts = (asked.json_text(texts["facts"]) or []) if "facts" in texts else None
        patient, to, spacing = (texts.get(name, "") for name in ("patient", "to", "spacing_mm"))
        job = await run_in_threadpool(self._work.add, Sent(files, patient, to, spacing, facts), reader)
        return JSONResponse(job.as_json(), 202)

    async def score(self, request: Request) -> Response:
        """Begin to grade a patient of the store by the model."""
        patient = asked.text_in(await asked.json_of(request), "patient")
        job = await run_in_threadpool(self._work.score, patient, asked.reader_of(request))
        return JSONResponse(job.as_json(), 202)

    async def job(self, request: Request) -> Response:
        """Answer with the state of a measurement."""
        return JSONResponse(self._work.jobs.find(request.query_params.get("code", "")).as_json())

    async def progress(self, request: Request) -> Response:
        """Answer with the states of a measurement, one event each, until it has ended."""
        job = self._work.jobs.find(request.query_params.get("code", ""))

        async def events() -> AsyncIterator[str]:
            before = None
            while not self._work.ending():
                now = job.as_json()
                if now != before:
                    yield f"data: {json.dumps(now)}\n\n"
                before = now
                if job.ended and now["state"] == job.state:
                    return
                await asyncio.sleep(_LOOK_S)

        return StreamingResponse(events(), media_type="text/event-stream")

    async def abort(self, request: Request) -> Response:
        """Abort a measurement."""
        job = self._work.jobs.find(asked.text_in(await asked.json_of(request), "code"))
        job.aborted = True
        return JSONResponse(job.as_json())

    async def grade(self, request: Request) -> Response:
        """Save a grade, a mark or the reason why a site is not scored."""
        content = await asked.json_of(request)
        place = _cell(content)
        grade = content.get("grade")
        mark, reason = asked.text_in(content, "mark", ""), asked.text_in(content, "not_scored", "")

        def save(item: Any) -> None:
            give_grade(item, place, grade, mark, reason, self._scheme(request, content))

        return await self._change(request, content, save)

    async def initial(self, request: Request) -> Response:
        """Return one cell, or all cells of a visit, to the values of the model."""
        content = await asked.json_of(request)
        if content.get("all") is True:
            visit = asked.number_in(content, "visit")
            return await self._change(
                request, content, lambda item: all_back_to_initial(item, visit, self._scheme(request, content))
            )
        place = _cell(content)
        return await self._change(
            request, content, lambda item: back_to_initial(item, place, self._scheme(request, content))
        )

    async def undo(self, request: Request) -> Response:
        """Take back the last change of the reader."""
        return await self._change(request, await asked.json_of(request), lambda item: item.undo())

    async def redo(self, request: Request) -> Response:
        """Do the change again that was taken back last."""
        return await self._change(request, await asked.json_of(request), lambda item: item.redo())

    async def delete(self, request: Request) -> Response:
        """Delete a patient."""
        patient = asked.text_in(await asked.json_of(request), "patient")
        await run_in_threadpool(self._work.delete, patient, asked.reader_of(request))
        return JSONResponse({"deleted": patient})

    def _scheme(self, request: Request, content: dict[str, Any]) -> str | Scheme:
        return self._work.scheme(asked.reader_of(request), asked.text_in(content, "session", ""))

    async def _change(self, request: Request, content: dict[str, Any], change: Callable[[Any], object]) -> Response:
        """Make one change in the store and answer with the table of the visit."""
        reader, patient = asked.named_reader(request), asked.text_in(content, "patient")
        visit, session = asked.number_in(content, "visit"), asked.text_in(content, "session", "")

        def work() -> None:
            with self._work.item(reader, patient, session=session) as item:
                change(item)

        await run_in_threadpool(work)
        return await self._after(request, patient, session, visit)

    async def _after(self, request: Request, patient: str, session: str, visit: int) -> Response:
        words, reader = labels(asked.language_of(request)), asked.reader_of(request)

        def look() -> dict[str, Any]:
            with self._work.item(reader, patient, session=session) as item:
                return views.table_view(item, visit, words, self._work.scheme(reader, session))

        return JSONResponse(await run_in_threadpool(look))


def _patient(request: Request) -> tuple[str, str]:
    """Return the patient, or the code of an item of a session; and the session."""
    query = dict(request.query_params)
    return asked.text_in(query, "id"), asked.text_in(query, "session", "")


def _place(request: Request) -> tuple[int, str, str]:
    query = dict(request.query_params)
    side, joint = asked.text_in(query, "side", "", 1), asked.text_in(query, "joint", "")
    return asked.number_in(query, "visit"), side, joint


def _cell(content: dict[str, Any]) -> tuple[int, str, str, str]:
    side, site, kind = (asked.text_in(content, name) for name in ("side", "site", "kind"))
    return asked.number_in(content, "visit"), side, site, kind


def _unexpected(error: Exception) -> str:
    return f"Unexpected error, please report it: {type(error).__name__}."
