#!/usr/bin/env node
// Starts the binary of this platform's package, and ends as it does. Where there is none, or
// it cannot be started, the status is 3, as of every run that could not complete.
"use strict";

const { spawn } = require("node:child_process");

const failed = 3;

function fail(text) {
  process.stderr.write(`mcpolicy: ${text}\n`);
  process.exit(failed);
}

const platform = `${process.platform}-${process.arch}`;
let binary;
try {
  binary = require.resolve(`@mcpolicy/${platform}/mcpolicy${process.platform === "win32" ? ".exe" : ""}`);
} catch {
  fail(`there is no binary for ${platform}: the package @mcpolicy/${platform} is not installed; ` +
    "npm leaves it out with --omit=optional, and there may be none for this platform");
}

const child = spawn(binary, process.argv.slice(2), { stdio: "inherit" });
const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
for (const signal of signals) {
  process.on(signal, () => child.kill(signal));
}
child.on("error", (err) => fail(`${binary} cannot be started: ${err.message}`));
child.on("exit", (status, signal) => {
  if (signal === null) {
    process.exit(status);
  }
  for (const s of signals) {
    process.removeAllListeners(s);
  }
  process.exitCode = failed;
  process.kill(process.pid, signal);
});
