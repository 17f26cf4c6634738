import { QueryError } from "../errors.ts";
import type { Declaration, DeclaredService } from "./declared.ts";
import type { SimulatedCall } from "./options.ts";

/**
 * Names are of something and of one thing only, and nothing is declared that its protocol does not have.
 *
 * @throws {QueryError} `code: "config"` with the path of what is not so
 */
export function checkDeclaration(declared: Declaration, where: string): void {
  new Check(declared, where).all();
}

/** What connections do not have, and what gRPC does not have here. */
const NOT_TCP = ["path", "method", "failures", "recovered", "exhausted", "timeouts", "limited"] as const;
const NOT_GRPC = ["method", "recovered", "exhausted"] as const;

class Check {
  readonly #declared: Declaration;
  readonly #where: string;
  /** Names of clients and workloads, and of their accounts. */
  readonly #callers: Set<string>;
  readonly #accounts = new Set<string>();

  constructor(declared: Declaration, where: string) {
    this.#declared = declared;
    this.#where = where;
    this.#callers = new Set(Object.keys(declared.clients));
  }

  all(): void {
    const { services, flows, incidents } = this.#declared;
    for (const [name, { versions, account }] of Object.entries(services)) {
      this.#accounts.add(account);
      for (const { workload } of versions) {
        if (this.#callers.has(workload))
          this.#fail(`services.${name}`, `has a workload "${workload}" that is there already`);
        this.#callers.add(workload);
      }
    }
    for (const [name, service] of Object.entries(services)) this.#service(name, service);
    for (const [i, flow] of flows.entries()) {
      this.#caller(flow.from, `flows.${i}.from`);
      this.#call(flow, `flows.${i}`);
    }
    for (const i of incidents.keys()) this.#incident(i);
  }

  #service(name: string, { protocol, versions, allow, deny }: DeclaredService): void {
    const path = `services.${name}`;
    for (const version of versions) {
      for (const status of Object.keys(version.failures)) this.#status(Number(status), protocol, path);
    }
    if (protocol === "tcp" && (allow !== undefined || deny.length > 0)) {
      this.#fail(path, "is of TCP, where nobody is denied; leave allow and deny out");
    }
    for (const one of allow ?? []) {
      if (this.#callers.has(one) || this.#accounts.has(one)) continue;
      this.#fail(`${path}.allow`, `has ${JSON.stringify(one)}, which nobody is called; ${known(this.#callers)}`);
    }
  }

  #call(call: SimulatedCall, path: string): void {
    const { protocol } = this.#named(call.to, `${path}.to`);
    this.#version(call.to, call.version, `${path}.version`);
    const lacking = protocol === "tcp" ? NOT_TCP : protocol === "grpc" ? NOT_GRPC : [];
    const one = lacking.find((name) => call[name] !== undefined);
    if (one !== undefined) this.#fail(`${path}.${one}`, `is not for a call of ${protocol}; leave it out`);
    for (const status of Object.keys(call.failures ?? {})) this.#status(Number(status), protocol, path);
    for (const [i, next] of (call.calls ?? []).entries()) this.#call(next, `${path}.calls.${i}`);
  }

  #incident(i: number): void {
    const path = `incidents.${i}`;
    const incident = this.#declared.incidents[i]?.incident;
    if (incident === undefined) return;
    if ("caller" in incident && incident.caller !== undefined) this.#caller(incident.caller, `${path}.caller`);
    if (!("service" in incident)) return;
    const { protocol } = this.#named(incident.service, `${path}.service`);
    if ("version" in incident) this.#version(incident.service, incident.version, `${path}.version`);
    if (protocol === "tcp" && ["denied", "failing", "limited"].includes(incident.kind)) {
      this.#fail(path, `is of ${incident.service}, which speaks TCP and has no answers; make it slow or unreachable`);
    }
    if (incident.kind === "failing" && incident.code !== undefined) this.#status(incident.code, protocol, path);
  }

  #status(status: number, protocol: DeclaredService["protocol"], path: string): void {
    if (protocol === "tcp") this.#fail(path, "is of TCP, where no answer has a status; leave failures out");
    const [least, most] = protocol === "grpc" ? [1, 16] : [400, 599];
    if (status >= least && status <= most) return;
    this.#fail(path, `has a failure of ${status}; over ${protocol} write a status from ${least} to ${most}`);
  }

  #named(name: string, path: string): DeclaredService {
    const { services } = this.#declared;
    const service = Object.hasOwn(services, name) ? services[name] : undefined;
    return service ?? this.#fail(path, `is no service of this mesh; ${known(Object.keys(services))}`);
  }

  #version(service: string, version: string | undefined, path: string): void {
    const names = this.#declared.services[service]?.versions.map(({ name }) => name) ?? [];
    if (version !== undefined && !names.includes(version)) this.#fail(path, `is no version of it; ${known(names)}`);
  }

  #caller(name: string, path: string): void {
    if (!this.#callers.has(name))
      this.#fail(path, `is no client and no workload of this mesh; ${known(this.#callers)}`);
  }

  #fail(path: string, what: string): never {
    throw new QueryError("config", `${this.#where}: ${path} ${what}`);
  }
}

const known = (names: Iterable<string>): string => `there are ${[...names].join(", ")}`;
