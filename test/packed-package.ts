// The package as users get it: packed by npm and installed by npm into an empty project, without a network: what it
// depends on is installed from this repository's own node_modules.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const MODULES = resolve("node_modules");

/** A project in a temporary folder with the packed package installed. */
export class PackedProject {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), "nearkey-package-")));
  /** Paths in the tarball. */
  readonly packed: readonly string[];
  /** Where the tarball lies. */
  readonly tarball: string;

  /** @param more packages that the project uses beside it */
  constructor(...more: readonly string[]) {
    const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", this.folder];
    const output = execFileSync("npm", pack, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    const [{ filename, files }] = JSON.parse(output);
    this.packed = files.map(({ path }: { path: string }) => path);
    this.tarball = join(this.folder, filename);
    const others = closureOf([...Object.keys(manifestOf(resolve(".")).dependencies ?? {}), ...more]);
    const dependencies = Object.fromEntries(others.map((name) => [name, `file:${realpathSync(join(MODULES, name))}`]));
    dependencies.nearkey = `file:${filename}`;
    this.write("package.json", JSON.stringify({ type: "module", private: true, dependencies }));
    const install = ["install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", "--install-links=false"];
    execFileSync("npm", install, { cwd: this.folder, stdio: ["ignore", "ignore", "pipe"] });
  }

  /** A path in the installed package. */
  installed(path = ""): string {
    return join(this.folder, "node_modules/nearkey", path);
  }

  /** Writes a file of the project; its path. */
  write(path: string, contents: string): string {
    const target = join(this.folder, path);
    mkdirSync(resolve(target, ".."), { recursive: true });
    writeFileSync(target, contents);
    return target;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

/** The packages and all they depend on. */
function closureOf(names: readonly string[], seen = new Set<string>()): string[] {
  for (const name of names) {
    if (seen.has(name)) continue;
    seen.add(name);
    closureOf(Object.keys(manifestOf(join(MODULES, name)).dependencies ?? {}), seen);
  }
  return [...seen];
}
