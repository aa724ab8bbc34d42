"""The server over its pipes, as an editor has it; and that no text, however cut off, gets it down."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.client import LanguageClient

from resnetdsl.lsp import completion, hover, navigation, problems
from resnetdsl.lsp.document import Document
from resnetdsl.lsp.server import formatted, make
from resnetdsl.paths import specs_dir
from tests.lsp.test_problems import MISMATCH
from tests.lsp.texts import NETWORK, URI, at, document

BROKEN = MISMATCH.replace("|", "")
TEXT = lsp.TextDocumentIdentifier(URI)
UTF8 = lsp.ClientCapabilities(general=lsp.GeneralClientCapabilities(position_encodings=[lsp.PositionEncodingKind.Utf8]))
PATIENCE = 120


class Editor:
    """A client that keeps what it is told of mistakes."""

    def __init__(self) -> None:
        self.client = LanguageClient("editor", "1")
        self.told: asyncio.Queue[lsp.PublishDiagnosticsParams] = asyncio.Queue()
        self.version = 1

        @self.client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def told(params: lsp.PublishDiagnosticsParams) -> None:
            self.told.put_nowait(params)

    def opens(self, text: str, uri: str = URI) -> None:
        self.client.text_document_did_open(
            lsp.DidOpenTextDocumentParams(lsp.TextDocumentItem(uri, "rnet", self.version, text))
        )

    def types(self, text: str) -> None:
        self.version += 1
        change = lsp.TextDocumentContentChangeWholeDocument(text)
        self.client.text_document_did_change(
            lsp.DidChangeTextDocumentParams(lsp.VersionedTextDocumentIdentifier(self.version, URI), [change])
        )

    async def hears(self) -> list[str | int | None]:
        """What is wrong with the newest text; of one before it there may be an answer too, on a slow machine."""
        while True:
            found = await asyncio.wait_for(self.told.get(), PATIENCE)
            if found.version in {self.version, None}:
                return [each.code for each in found.diagnostics]


@asynccontextmanager
async def editing(capabilities: lsp.ClientCapabilities) -> AsyncIterator[tuple[Editor, lsp.InitializeResult]]:
    editor = Editor()
    await editor.client.start_io(sys.executable, "-m", "resnetdsl", "lsp", "--stdio")
    started = await editor.client.initialize_async(lsp.InitializeParams(capabilities=capabilities))
    editor.client.initialized(lsp.InitializedParams())
    yield editor, started
    await editor.client.shutdown_async(None)
    editor.client.exit(None)
    await editor.client.stop()


def session(
    play: Callable[[Editor, lsp.InitializeResult], Awaitable[None]],
    capabilities: lsp.ClientCapabilities | None = None,
) -> None:
    async def run() -> None:
        async with editing(capabilities or lsp.ClientCapabilities()) as (editor, started):
            await play(editor, started)

    # In a thread of its own: in this one the tests of pages may have left a loop that runs.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, asyncio.wait_for(run(), PATIENCE)).result()


def test_mistakes_come_and_go_with_the_text() -> None:
    async def play(editor: Editor, _: lsp.InitializeResult) -> None:
        editor.opens(BROKEN)
        assert await editor.hears() == ["E0301"]
        editor.types(NETWORK)
        assert await editor.hears() == []
        editor.types(BROKEN)
        editor.types(NETWORK)
        editor.types(BROKEN.replace("3x3", "3x"))
        assert "E0301" not in await editor.hears()  # of the newest text alone
        editor.client.text_document_did_close(lsp.DidCloseTextDocumentParams(TEXT))
        assert await editor.hears() == []

    session(play)


def test_every_question_has_an_answer() -> None:
    async def play(editor: Editor, started: lsp.InitializeResult) -> None:
        client = editor.client
        assert started.server_info is not None
        assert started.server_info.name == "resnetdsl"
        editor.opens(NETWORK)
        _, there = at(NETWORK, "n * pa|ir(")
        found = await client.text_document_hover_async(lsp.HoverParams(TEXT, there))
        assert found is not None
        assert "block pair" in str(found.contents)
        place = await client.text_document_definition_async(lsp.DefinitionParams(TEXT, there))
        assert isinstance(place, lsp.Location)
        references = lsp.ReferenceParams(lsp.ReferenceContext(include_declaration=False), TEXT, there)
        assert len(await client.text_document_references_async(references) or ()) == 1
        marks = await client.text_document_document_highlight_async(lsp.DocumentHighlightParams(TEXT, there))
        assert len(marks or ()) == 2
        items = await client.text_document_completion_async(lsp.CompletionParams(TEXT, there))
        assert isinstance(items, tuple | list)
        (conv,) = (each for each in items if each.label == "conv")
        assert (await client.completion_item_resolve_async(conv)).documentation is not None
        signed = await client.text_document_signature_help_async(
            lsp.SignatureHelpParams(TEXT, lsp.Position(there.line, there.character + 3))
        )
        assert signed is not None
        symbols = await client.text_document_document_symbol_async(lsp.DocumentSymbolParams(TEXT))
        assert len(symbols or ()) == 3
        assert await client.text_document_folding_range_async(lsp.FoldingRangeParams(TEXT))
        everything = lsp.Range(lsp.Position(0, 0), lsp.Position(99, 0))
        assert await client.text_document_inlay_hint_async(lsp.InlayHintParams(TEXT, everything)) == ()
        prepared = await client.text_document_prepare_rename_async(lsp.PrepareRenameParams(TEXT, there))
        assert isinstance(prepared, lsp.Range)
        edit = await client.text_document_rename_async(lsp.RenameParams(TEXT, there, "two"))
        assert edit is not None
        assert edit.changes is not None
        assert len(edit.changes[URI]) == 2
        options = lsp.FormattingOptions(4, insert_spaces=True)
        assert await client.text_document_formatting_async(lsp.DocumentFormattingParams(TEXT, options)) == ()
        context = lsp.CodeActionContext([])
        assert await client.text_document_code_action_async(lsp.CodeActionParams(TEXT, everything, context)) == ()

    session(play)


def test_a_refusal_is_told_with_its_reason() -> None:
    async def play(editor: Editor, _: lsp.InitializeResult) -> None:
        editor.opens(NETWORK)
        _, there = at(NETWORK, "batch_n|orm")
        with pytest.raises(JsonRpcException, match="belongs to the language"):
            await editor.client.text_document_prepare_rename_async(lsp.PrepareRenameParams(TEXT, there))

    session(play)


def test_a_text_that_was_never_opened_has_no_answer() -> None:
    async def play(editor: Editor, _: lsp.InitializeResult) -> None:
        assert await editor.client.text_document_hover_async(lsp.HoverParams(TEXT, lsp.Position(0, 0))) is None

    session(play)


def test_an_editor_that_counts_bytes() -> None:
    async def play(editor: Editor, started: lsp.InitializeResult) -> None:
        assert started.capabilities.position_encoding == lsp.PositionEncodingKind.Utf8
        editor.opens('network n {\n    input 3x8x8\n    require true, "é" let\n}\n')
        found = await asyncio.wait_for(editor.told.get(), PATIENCE)
        assert found.diagnostics[0].range.start.character >= len('    require true, "é"'.encode()) - 1

    session(play, UTF8)


def test_a_change_on_disk_reaches_who_imports_it(tmp_path: Path) -> None:
    block = tmp_path / "b.rnet"
    block.write_text("block b {\n    relu\n}\n", encoding="utf-8")

    async def play(editor: Editor, _: lsp.InitializeResult) -> None:
        uri = (tmp_path / "a.rnet").as_uri()
        editor.opens('from "b.rnet" import b\n\nnetwork n {\n    input 3x8x8\n    b\n}\n', uri)
        assert await editor.hears() == []
        block.write_text("block c {\n    relu\n}\n", encoding="utf-8")
        editor.client.text_document_did_save(lsp.DidSaveTextDocumentParams(lsp.TextDocumentIdentifier(block.as_uri())))
        assert "E0704" in await editor.hears()

    session(play)


def test_a_fault_of_ours_is_shown_and_costs_one_answer() -> None:
    server, shown = make(), []
    server.window_show_message = shown.append  # type: ignore[method-assign]
    server.documents[URI] = document(NETWORK)

    def fails(_: Document) -> int:
        raise ZeroDivisionError("by nothing")

    async def play() -> tuple[int, int]:
        return await server.ask(URI, fails, 7), await server.ask(URI, lambda text: len(text.tree.items), 0)

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(asyncio.run, play()).result() == (7, 3)
    (message,) = shown
    assert "please report it with the text: ZeroDivisionError: by nothing" in message.message


def test_torch_is_not_imported() -> None:
    code = "import sys, resnetdsl.lsp.server as s; s.make(); print([m for m in ('torch', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- texts in any state ---


def test_the_layout_is_that_of_fmt() -> None:
    (edit,) = formatted(document("network n{\ninput 3x8x8\nrelu}\n"))
    assert edit.new_text == "network n {\n    input 3x8x8\n    relu\n}\n"
    assert formatted(document(edit.new_text)) == []
    assert formatted(document("network n{\ninput 3x8x8\nconv(}\n")) == []


def answers(text: Document, offset: int) -> None:
    """Every question at a place, with no more to ask than that there is an answer."""
    position = text.places.position(offset)
    spot = lsp.Range(position, position)
    hover.hover(text, position)
    completion.completions(text, position, snippets=True)
    completion.signature(text, position)
    navigation.definition(text, position)
    navigation.places(text, position)
    problems.fixes(text, spot, None)
    navigation.outline(text)
    navigation.folds(text)
    navigation.hints(text, lsp.Range(lsp.Position(0, 0), position))
    formatted(text)
    with suppress(navigation.CannotRenameError):
        navigation.rename(text, position, "another")


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_a_text_cut_off_anywhere(step: int) -> None:
    for end in range(0, len(NETWORK) + 1, step):
        answers(document(NETWORK[:end]), end)


@pytest.mark.parametrize("step", [11, pytest.param(1, marks=pytest.mark.slow)])
def test_a_text_with_a_gap_anywhere(step: int) -> None:
    for start in range(0, len(NETWORK), step):
        answers(document(NETWORK[:start] + NETWORK[start + 9 :]), start)


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(specs_dir().glob("*.rnet")), ids=lambda path: path.stem)
def test_shipped_specs_have_answers_everywhere(path: Path) -> None:
    text = Document(path.as_uri(), path.read_text(encoding="utf-8"), path)
    assert problems.problems(text) == []
    for offset in range(0, len(text.file.text), max(1, len(text.file.text) // 20)):
        answers(text, offset)
