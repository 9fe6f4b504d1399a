// Certificates for tests, made by the openssl program in a folder that goes away again: an authority, what it signed
// for the server and for a client, and ones that are wrong in one way each.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findTool } from "./external-tools.ts";

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** A folder of certificates and keys. */
export class Certificates {
  readonly folder = mkdtempSync(join(tmpdir(), "nearkey-tls-"));

  constructor() {
    this.openssl(
      "req",
      "-x509",
      ...KEY,
      "-keyout",
      "ca.key",
      "-out",
      "ca.pem",
      "-subj",
      "/CN=test authority",
      "-days",
      "30",
    );
    this.issue("server");
    this.issue("client");
  }

  /** Path of a file in the folder. */
  path(name: string): string {
    return join(this.folder, name);
  }

  read(name: string): Buffer {
    return readFileSync(this.path(name));
  }

  /** Makes `<name>.pem` and `<name>.key`, signed by the authority, for localhost. */
  issue(name: string, days = 30): void {
    const names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
    const request = ["-out", `${name}.csr`, "-subj", `/CN=${name}`, "-addext", names];
    this.openssl("req", ...KEY, "-keyout", `${name}.key`, ...request);
    const signer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-copy_extensions", "copy"];
    this.openssl("x509", "-req", "-in", `${name}.csr`, ...signer, "-out", `${name}.pem`, "-days", String(days));
  }

  openssl(...args: string[]): void {
    execFileSync(findTool("openssl") ?? "", args, { cwd: this.folder, stdio: "ignore" });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
