import { loki } from "../../src/logs/loki/loki.ts";
import { fakeLoki } from "../logs/fake-loki.ts";
import { conforms } from "./log-driver.ts";

const BASE = "http://loki.test:3100";
const server = fakeLoki(BASE);

conforms("Loki's", {
  make: () => loki(BASE, { retries: 0 }),
  keeps: (lines) =>
    server.keeps(lines.map(({ ms, pod, text }) => ({ stream: pod, ns: BigInt(ms) * 1_000_000n, line: text }))),
  answers: (reply) => server.answers(reply),
  asked: () => server.asked.length,
});
