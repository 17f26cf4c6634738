import * as mesh from "meshquery";
import * as alerts from "meshquery/alerts";
import * as promql from "meshquery/promql";
import * as testing from "meshquery/testing";
import { ask } from "./ask.mjs";

console.log(JSON.stringify(await ask(mesh, promql, testing, alerts)));
