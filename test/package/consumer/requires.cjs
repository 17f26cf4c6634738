const mesh = require("meshquery");
const promql = require("meshquery/promql");
const { ask } = require("./ask.mjs");

ask(mesh, promql).then((answer) => console.log(JSON.stringify(answer)));
