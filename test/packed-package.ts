// The package as users get it: packed by npm and unpacked beside its dependencies in an empty project, without a network.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const MODULES = resolve("node_modules");

/** A project in a temporary folder with the packed package installed. */
export class PackedProject {
  readonly folder = mkdtempSync(join(tmpdir(), "nearkey-package-"));
  /** Paths in the tarball. */
  readonly packed: readonly string[];
  /** Where the tarball lies. */
  readonly tarball: string;

  /** @param types packages whose types a program needs */
  constructor(...types: readonly string[]) {
    const npm = ["pack", "--json", "--ignore-scripts", "--pack-destination", this.folder];
    const output = execFileSync("npm", npm, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    const [{ filename, files }] = JSON.parse(output);
    this.packed = files.map(({ path }: { path: string }) => path);
    this.tarball = join(this.folder, filename);
    mkdirSync(this.installed(), { recursive: true });
    execFileSync("tar", ["-xzf", this.tarball, "-C", this.installed(), "--strip-components=1"]);
    const { dependencies } = JSON.parse(readFileSync("package.json", "utf8"));
    for (const name of [...Object.keys(dependencies), ...types]) this.#link(name);
    this.write("package.json", '{ "type": "module" }');
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

  #link(name: string): void {
    const target = join(this.folder, "node_modules", name);
    mkdirSync(resolve(target, ".."), { recursive: true });
    symlinkSync(join(MODULES, name), target);
  }
}
