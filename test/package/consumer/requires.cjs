const mesh = require("meshquery");
const alerts = require("meshquery/alerts");
const promql = require("meshquery/promql");
const testing = require("meshquery/testing");
const { ask } = require("./ask.mjs");

ask(mesh, promql, testing, alerts).then((answer) => console.log(JSON.stringify(answer)));
