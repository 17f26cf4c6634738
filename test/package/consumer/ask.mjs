import { createServer } from "node:http";

const ANSWER = {
  status: "success",
  data: { resultType: "vector", result: [{ metric: {}, value: [1_795_168_800, "41.7"] }] },
};

/** What a consumer does first: prints a query, asks it, reads PromQL as data, asks series of its own and a simulated mesh, and writes a rule file. */
export async function ask(mesh, promql, testing, { alert, fromYAML }) {
  const asked = [];
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    asked.push(pathname);
    if (pathname !== "/api/v1/query") response.writeHead(404).end();
    else response.setHeader("content-type", "application/json").end(JSON.stringify(ANSWER));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const metrics = mesh.prometheus(`http://127.0.0.1:${server.address().port}`);
    const rate = mesh.createMesh({ metrics }).edge("frontend", "backend").rate("5m");
    const { value, unit } = await rate;
    const kept = refusal(() => rate.by("response_cod")) instanceof mesh.QueryError;
    const text = promql.print(promql.call("rate", promql.matrix(promql.selector("up"), 300_000)));
    const ofSeries = await ownSeries(mesh, promql, testing).workload("backend").rate("5m").at(3_600_000);
    const rules = fromYAML(alert("Busy", rate.above(40)).for("5m").toYAML()).alerts.map(String);
    const simulated = await ofSimulation(mesh, testing);
    return {
      promql: rate.promql,
      rules,
      value,
      unit,
      asked,
      kept,
      text,
      ofSeries: Math.round(ofSeries.value),
      simulated,
    };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function ownSeries({ createMesh }, { memoryStorage }, { seriesMetrics }) {
  const storage = memoryStorage();
  const calls = 'istio_requests_total{reporter="destination",destination_workload="backend"} 0+30x240';
  storage.load(calls, { step: "15s" });
  return createMesh({ metrics: seriesMetrics(storage) });
}

function refusal(run) {
  try {
    run();
  } catch (error) {
    return error;
  }
}

/** Of a mesh that is not there, over HTTP. */
async function ofSimulation({ createMesh, prometheus }, { simulatedMesh }) {
  const sim = simulatedMesh({ seed: 7, now: "2026-11-16T13:20:00Z" });
  const server = await sim.listen();
  try {
    const mesh = createMesh({ metrics: prometheus(server.prometheus), now: sim.now });
    const { value } = await mesh.edge("frontend", "backend").success("5m");
    return Math.round(value * 1e6) / 1e6;
  } finally {
    await server.close();
  }
}
