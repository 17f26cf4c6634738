const mesh = require("meshquery");
const promql = require("meshquery/promql");
const testing = require("meshquery/testing");
const { ask } = require("./ask.mjs");

ask(mesh, promql, testing).then((answer) => console.log(JSON.stringify(answer)));
