// The certificate, its key and the authorities of clients, read from their files. What would make a handshake fail
// later, in words that nobody understands, is found here and said with the file's name and what to do about it.

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { SecureContextOptions } from "node:tls";
import type { Settings } from "../settings/server-settings.ts";

/** The settings that name files. */
export type TlsSettings = Pick<Settings, "tlsCert" | "tlsKey" | "tlsCa">;

/** What was read, or everything that is wrong with it. */
export type TlsFiles =
  | { readonly context: SecureContextOptions; readonly warnings: readonly string[] }
  | { readonly problems: readonly string[] };

const DAY_MS = 86_400_000;
/** A certificate that ends sooner gets a warning. */
const SOON_MS = 14 * DAY_MS;

/**
 * Reads and checks the files.
 *
 * @returns undefined without TLS
 */
export function readTlsFiles(settings: TlsSettings, nowMs = Date.now()): TlsFiles | undefined {
  if (settings.tlsCert === undefined || settings.tlsKey === undefined) return undefined;
  const reading = new TlsReading(nowMs);
  const cert = reading.certificates("--tls-cert", settings.tlsCert);
  const key = reading.privateKey("--tls-key", settings.tlsKey);
  const ca = settings.tlsCa === undefined ? undefined : reading.certificates("--tls-ca", settings.tlsCa);
  reading.match(cert?.[0], key, settings.tlsCert, settings.tlsKey);
  if (cert === undefined || key === undefined || reading.problems.length > 0) return { problems: reading.problems };
  const pem = cert.map((each) => each.toString()).join("");
  const authorities = ca && { ca: ca.map((each) => each.toString()) };
  const secret = key.export({ type: "pkcs8", format: "pem" });
  return { context: { minVersion: "TLSv1.2", cert: pem, key: secret, ...authorities }, warnings: reading.warnings };
}

class TlsReading {
  readonly problems: string[] = [];
  readonly warnings: string[] = [];

  constructor(private readonly nowMs: number) {}

  certificates(flag: string, path: string): X509Certificate[] | undefined {
    const text = this.read(flag, path);
    if (text === undefined) return undefined;
    const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
    if (blocks.length === 0) {
      this.problems.push(
        `${flag} ${path} holds no certificate: it takes PEM, which begins -----BEGIN CERTIFICATE-----`,
      );
      return undefined;
    }
    try {
      const certificates = blocks.map((block) => new X509Certificate(block));
      this.validity(flag, path, certificates[0] as X509Certificate);
      return certificates;
    } catch {
      this.problems.push(`${flag} ${path} holds a damaged certificate: copy it again from where it was issued`);
      return undefined;
    }
  }

  private validity(flag: string, path: string, certificate: X509Certificate): void {
    const [fromMs, toMs] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
    if (toMs < this.nowMs) {
      this.problems.push(`${flag} ${path} expired on ${dayOf(toMs)}: renew the certificate`);
    } else if (fromMs > this.nowMs) {
      this.problems.push(`${flag} ${path} is valid only from ${dayOf(fromMs)}: check this machine's clock`);
    } else if (toMs - this.nowMs < SOON_MS) {
      this.warnings.push(`${flag} ${path} expires on ${dayOf(toMs)}: renew it, then send SIGHUP`);
    }
  }

  privateKey(flag: string, path: string): KeyObject | undefined {
    const text = this.read(flag, path);
    if (text === undefined) return undefined;
    if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text)) {
      this.problems.push(`${flag} ${path} is encrypted: decrypt it with 'openssl pkey -in ${path} -out <new file>'`);
      return undefined;
    }
    try {
      return createPrivateKey(text);
    } catch {
      this.problems.push(
        `${flag} ${path} holds no private key: it takes PEM, which begins -----BEGIN PRIVATE KEY-----`,
      );
      return undefined;
    }
  }

  match(certificate: X509Certificate | undefined, key: KeyObject | undefined, certPath: string, keyPath: string): void {
    if (certificate === undefined || key === undefined || certificate.checkPrivateKey(key)) return;
    this.problems.push(
      `--tls-key ${keyPath} is not the key of --tls-cert ${certPath}: give the key that the certificate was made for ` +
        "(the server's certificate must stand first in its file)",
    );
  }

  private read(flag: string, path: string): string | undefined {
    try {
      return readFileSync(path, "utf8");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const reason =
        code === "ENOENT"
          ? "does not exist: check the path"
          : code === "EACCES"
            ? "may not be read by this user: check the file's owner and mode"
            : `cannot be read (${code})`;
      this.problems.push(`${flag} ${path} ${reason}`);
      return undefined;
    }
  }
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
