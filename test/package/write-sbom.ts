/** Prints a bill of materials as CycloneDX: what an installation brings along, and what is built in. `npm run sbom` */
import { root, run } from "./install.ts";
import { BUILT_IN, packageAt, runTimePackages } from "./run-time.ts";

interface Bill {
  readonly components: readonly { readonly "bom-ref": string }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

const { name, version } = JSON.parse((await run("npm", ["pkg", "get", "name", "version"], root)).stdout) as {
  readonly name: string;
  readonly version: string;
};
const ref = (path: string) => `${path.replace(/^.*node_modules\//, "")}@${packageAt(path).version}`;
const paths = [...runTimePackages().keys(), ...BUILT_IN.map((one) => `node_modules/${one}`)];
const kept = new Set([`${name}@${version}`, ...paths.map(ref)]);

// npm's own --omit=dev also leaves out what is needed both at run time and for development.
const { stdout } = await run("npm", ["sbom", "--sbom-format=cyclonedx", "--sbom-type=library"], root);
const { components, dependencies, ...bill } = JSON.parse(stdout) as Bill;
const whole = {
  ...bill,
  components: components.filter((one) => kept.has(one["bom-ref"])),
  dependencies: dependencies
    .filter((one) => kept.has(one.ref))
    .map((one) => ({ ...one, dependsOn: one.dependsOn.filter((other) => kept.has(other)) })),
};
console.log(JSON.stringify(whole, undefined, 2));
