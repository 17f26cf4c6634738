/** A server of its own process for the bench of back-tests: 100 series that are there every other hour, by turns. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const SERIES = 100;
const HOUR = 3600;
const isThere = (series: number, seconds: number): boolean => Math.floor(seconds / HOUR + series / 7) % 2 === 0;

let requests = 0;
const server = createServer((request, response) => {
  requests++;
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
  if (pathname === "/requests") {
    response.end(String(requests - 1));
    requests = 0;
    return;
  }
  const number = (name: string) => Number(searchParams.get(name));
  const isRange = pathname.endsWith("query_range");
  const result = Array.from({ length: SERIES }, (_, i) => {
    const metric = `"metric":{"source_workload":"caller-${i}"}`;
    if (!isRange) return isThere(i, number("time")) ? `{${metric},"value":[${number("time")},"0.9${i}"]}` : "";
    const values: string[] = [];
    for (let t = number("start"); t <= number("end"); t += number("step"))
      if (isThere(i, t)) values.push(`[${t},"0.9${i}"]`);
    return values.length === 0 ? "" : `{${metric},"values":[${values.join(",")}]}`;
  }).filter((one) => one !== "");
  response.setHeader("content-type", "application/json");
  response.end(
    `{"status":"success","data":{"resultType":"${isRange ? "matrix" : "vector"}","result":[${result.join(",")}]}}`,
  );
});
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
