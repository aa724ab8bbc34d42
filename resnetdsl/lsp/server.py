"""The server: texts as the editor has them, and who answers what.

Everything that looks into a text happens in one thread of its own, with a stack for the deepest of them, so that the
server goes on listening; there questions are answered in their order. A check waits until nobody has typed for a
moment, and one whose text is no longer the newest is given up.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit
from urllib.request import url2pathname

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer

from resnetdsl.diagnostics.model import Sink
from resnetdsl.lsp import completion, hover, navigation, problems
from resnetdsl.lsp.document import Document, OutdatedError
from resnetdsl.lsp.navigation import CannotRenameError
from resnetdsl.lsp.places import Encoding
from resnetdsl.syntax.parser import parse
from resnetdsl.syntax.printer import print_file
from resnetdsl.version import VERSION

T = TypeVar("T")

PAUSE = 0.15
"""Seconds without a change after which a text is checked."""

_STACK = 64 * 2**20
"""Bytes of stack for the thread that elaborates: as deep as the main thread's on any system."""

_log = logging.getLogger(__name__)


class Server(LanguageServer):
    """Texts by their address, and the thread that looks into them."""

    def __init__(self) -> None:
        super().__init__("resnetdsl", VERSION, text_document_sync_kind=lsp.TextDocumentSyncKind.Full)
        self.documents: dict[str, Document] = {}
        before = threading.stack_size(_STACK)
        self.worker = ThreadPoolExecutor(1, "resnetdsl")
        self.worker.submit(lambda: None).result()  # the thread is made now, with this stack
        threading.stack_size(before)
        self._waiting: set[asyncio.Task[None]] = set()

    @property
    def encoding(self) -> Encoding:
        """How the editor counts within a line, as was agreed on."""
        return Encoding(self.workspace.position_encoding)

    async def ask(self, uri: str, question: Callable[[Document], T], otherwise: T) -> T:
        """The answer of a text. A fault of ours costs this answer alone; the editor shows it, the log has all of it."""
        document = self.documents.get(uri)
        if document is None:
            return otherwise
        try:
            return await asyncio.get_running_loop().run_in_executor(self.worker, question, document)
        except CannotRenameError:
            raise
        except OutdatedError:
            return otherwise
        except Exception as fault:  # noqa: BLE001 - an editor must not lose its server for one text
            _log.exception("a fault of resnetdsl")
            words = f"resnetdsl has a fault, please report it with the text: {type(fault).__name__}: {fault}"
            self.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Error, words))
            return otherwise

    def change(self, uri: str, text: str, version: int | None) -> None:
        """A new text, which is checked as soon as nothing more is typed."""
        self.forget(uri)
        self.documents[uri] = Document(uri, text, _path(uri), self.encoding, version)
        task = asyncio.get_running_loop().create_task(self._check(self.documents[uri]))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    def forget(self, uri: str) -> None:
        if (document := self.documents.pop(uri, None)) is not None:
            document.outdated = True

    async def _check(self, document: Document) -> None:
        await asyncio.sleep(PAUSE)
        if document.outdated:
            return
        found = await self.ask(document.uri, problems.problems, None)
        if found is not None and not document.outdated:
            told = lsp.PublishDiagnosticsParams(document.uri, found, document.version)
            self.text_document_publish_diagnostics(told)


@contextmanager
def _refusals() -> Iterator[None]:
    """What cannot be renamed, as the answer that editors show."""
    try:
        yield
    except CannotRenameError as reason:
        raise JsonRpcInvalidParams(str(reason)) from reason


def _takes_snippets(server: Server) -> bool:
    told = server.client_capabilities.text_document
    item = told.completion.completion_item if told is not None and told.completion is not None else None
    return bool(item is not None and item.snippet_support)


def _path(uri: str) -> Path | None:
    """The file of an address; None where the text is none yet."""
    parts = urlsplit(uri)
    return Path(url2pathname(parts.path)) if parts.scheme == "file" else None


def formatted(document: Document) -> list[lsp.TextEdit]:
    """The text in its canonical layout. One with mistakes of syntax is left alone, as `fmt` does."""
    sink = Sink()
    tree = parse(document.file, sink)
    text = print_file(tree)
    if sink.has_errors or text == document.file.text:
        return []
    return [lsp.TextEdit(document.places.range(document.file.span(0, len(document.file.text))), text)]


def make() -> Server:
    """A server that waits to be started."""
    server = Server()
    _texts(server)
    _questions(server)
    _changes(server)
    return server


def _texts(server: Server) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    async def opened(params: lsp.DidOpenTextDocumentParams) -> None:
        server.change(params.text_document.uri, params.text_document.text, params.text_document.version)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: lsp.DidChangeTextDocumentParams) -> None:
        server.change(params.text_document.uri, params.content_changes[-1].text, params.text_document.version)

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    async def saved(_: lsp.DidSaveTextDocumentParams) -> None:
        """Others may import it."""
        for document in list(server.documents.values()):
            server.change(document.uri, document.file.text, document.version)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    async def closed(params: lsp.DidCloseTextDocumentParams) -> None:
        server.forget(params.text_document.uri)
        server.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(params.text_document.uri, []))


def _questions(server: Server) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    async def hovered(params: lsp.HoverParams) -> lsp.Hover | None:
        return await server.ask(params.text_document.uri, lambda text: hover.hover(text, params.position), None)

    @server.feature(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions([".", "(", "=", " "], resolve_provider=True))
    async def completed(params: lsp.CompletionParams) -> list[lsp.CompletionItem]:
        snippets = _takes_snippets(server)
        return await server.ask(
            params.text_document.uri,
            lambda text: completion.completions(text, params.position, snippets=snippets),
            [],
        )

    @server.feature(lsp.COMPLETION_ITEM_RESOLVE)
    async def resolved(item: lsp.CompletionItem) -> lsp.CompletionItem:
        uri = item.data if isinstance(item.data, str) else ""
        return await server.ask(uri, lambda text: completion.documented(text, item), item)

    @server.feature(lsp.TEXT_DOCUMENT_SIGNATURE_HELP, lsp.SignatureHelpOptions(["(", ","]))
    async def signed(params: lsp.SignatureHelpParams) -> lsp.SignatureHelp | None:
        return await server.ask(
            params.text_document.uri, lambda text: completion.signature(text, params.position), None
        )

    @server.feature(lsp.TEXT_DOCUMENT_DEFINITION)
    async def defined(params: lsp.DefinitionParams) -> lsp.Location | None:
        return await server.ask(
            params.text_document.uri, lambda text: navigation.definition(text, params.position), None
        )

    @server.feature(lsp.TEXT_DOCUMENT_REFERENCES)
    async def referred(params: lsp.ReferenceParams) -> list[lsp.Location]:
        def find(text: Document) -> list[lsp.Location]:
            spans = navigation.places(text, params.position, bound=params.context.include_declaration)
            return [lsp.Location(text.uri, text.places.range(span)) for span in spans]

        return await server.ask(params.text_document.uri, find, [])

    @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
    async def highlighted(params: lsp.DocumentHighlightParams) -> list[lsp.DocumentHighlight]:
        def find(text: Document) -> list[lsp.DocumentHighlight]:
            return [lsp.DocumentHighlight(text.places.range(span)) for span in navigation.places(text, params.position)]

        return await server.ask(params.text_document.uri, find, [])

    @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def outlined(params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol]:
        return await server.ask(params.text_document.uri, navigation.outline, [])

    @server.feature(lsp.TEXT_DOCUMENT_FOLDING_RANGE)
    async def folded(params: lsp.FoldingRangeParams) -> list[lsp.FoldingRange]:
        return await server.ask(params.text_document.uri, navigation.folds, [])

    @server.feature(lsp.TEXT_DOCUMENT_INLAY_HINT)
    async def hinted(params: lsp.InlayHintParams) -> list[lsp.InlayHint]:
        return await server.ask(params.text_document.uri, lambda text: navigation.hints(text, params.range), [])


def _changes(server: Server) -> None:
    kinds = [lsp.CodeActionKind.QuickFix, lsp.CodeActionKind.SourceFixAll]

    @server.feature(lsp.TEXT_DOCUMENT_CODE_ACTION, lsp.CodeActionOptions(kinds))
    async def fixed(params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        return await server.ask(
            params.text_document.uri, lambda text: problems.fixes(text, params.range, params.context.only), []
        )

    @server.feature(lsp.TEXT_DOCUMENT_FORMATTING)
    async def laid_out(params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit]:
        return await server.ask(params.text_document.uri, formatted, [])

    @server.feature(lsp.TEXT_DOCUMENT_PREPARE_RENAME)
    async def prepared(params: lsp.PrepareRenameParams) -> lsp.Range | None:
        def find(text: Document) -> lsp.Range:
            return text.places.range(navigation.renamable(text, params.position).span)

        with _refusals():
            return await server.ask(params.text_document.uri, find, None)

    @server.feature(lsp.TEXT_DOCUMENT_RENAME, lsp.RenameOptions(prepare_provider=True))
    async def renamed(params: lsp.RenameParams) -> lsp.WorkspaceEdit | None:
        with _refusals():
            return await server.ask(
                params.text_document.uri,
                lambda text: navigation.rename(text, params.position, params.new_name),
                None,
            )
