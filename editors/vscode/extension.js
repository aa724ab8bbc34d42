// The extension is a client: everything it knows, the server of `resnetdsl lsp` has told it.
"use strict";

const { window, workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

exports.activate = async function () {
    const [command, ...args] = workspace.getConfiguration("resnetdsl").get("command");
    client = new LanguageClient("resnetdsl", "resnetdsl", { command, args }, { documentSelector: [{ language: "rnet" }] });
    try {
        await client.start();
    } catch (reason) {
        window.showErrorMessage(
            `resnetdsl: \`${command}\` does not start (${reason?.message ?? reason}). Install it with ` +
                "`pip install 'resnetdsl[lsp]'`, or name it in the setting `resnetdsl.command`."
        );
    }
};

exports.deactivate = () => (client?.isRunning() ? client.stop() : undefined);
