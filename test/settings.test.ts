// The table of settings and what is made of it: reading of every source, precedence, problems with their places, the
// edited file, and the page in docs/.

import { readFileSync } from "node:fs";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { nearestName } from "../src/settings/nearest-name.ts";
import { isPassword, parseScryptText, scryptText } from "../src/settings/password-text.ts";
import { resolveSettings, type SettingSources } from "../src/settings/resolve-settings.ts";
import { DEFAULT_SETTINGS, SERVER_SETTINGS, settingEntries, variableOf } from "../src/settings/server-settings.ts";
import type { TomlValue } from "../src/settings/setting-kinds.ts";
import { editSettingsFile } from "../src/settings/settings-file.ts";
import { settingsPage, settingsTemplate } from "../src/settings/settings-template.ts";

const file = (text: string): SettingSources => ({ file: { path: "etc/nearkey.toml", text } });
const changesOf = (values: Record<string, TomlValue | undefined>) => new Map(Object.entries(values));
const messages = (sources: SettingSources): string[] => resolveSettings(sources).problems.map(({ message }) => message);

describe("sources", () => {
  test("flags come before variables, variables before the file, the file before defaults", () => {
    const { settings, origins, problems } = resolveSettings({
      ...file('max-memory = "10mb"\nmax-connections = 10\nmax-arguments = 10\n'),
      environment: { NEARKEY_MAX_MEMORY: "20mb", NEARKEY_MAX_CONNECTIONS: "20", HOME: "/root" },
      flags: new Map([["max-memory", "30mb"]]),
    });
    expect(problems).toEqual([]);
    expect(settings).toEqual({
      ...DEFAULT_SETTINGS,
      maxMemoryBytes: 30 << 20,
      maxConnections: 20,
      maxArguments: 10,
    });
    expect(origins).toMatchObject({
      maxMemoryBytes: "flag",
      maxConnections: "environment",
      maxArguments: "file",
      port: "default",
    });
  });

  test("nothing said is the defaults, and every default is allowed", () => {
    expect(resolveSettings({})).toMatchObject({ settings: DEFAULT_SETTINGS, problems: [], warnings: [] });
  });

  test("every kind of value is read from text and from TOML's own types", () => {
    const fromFile = resolveSettings(
      file(
        `port = 80\nnodelay = false\nauth-timeout = "1m"\nallow-origin = ["https://a.org", "https://b.org"]\nmax-frame-bytes = 100000`,
      ),
    );
    const fromEnvironment = resolveSettings({
      environment: {
        NEARKEY_PORT: "80",
        NEARKEY_NODELAY: "No",
        NEARKEY_AUTH_TIMEOUT: "60s",
        NEARKEY_ALLOW_ORIGIN: "https://a.org, https://b.org",
        NEARKEY_MAX_FRAME_BYTES: "100k",
      },
    });
    expect(fromFile.problems).toEqual([]);
    expect(fromEnvironment.problems).toEqual([]);
    expect(fromFile.settings).toEqual(fromEnvironment.settings);
    expect(fromFile.settings).toMatchObject({
      port: 80,
      nodelay: false,
      authTimeoutMs: 60_000,
      maxFrameBytes: 100_000,
    });
  });

  test("an empty variable says nothing", () => {
    expect(resolveSettings({ environment: { NEARKEY_PASSWORD: "", NEARKEY_PORT: "" } }).settings).toEqual(
      DEFAULT_SETTINGS,
    );
  });

  test("files that the file names lie beside it", () => {
    const { settings } = resolveSettings(file('tls-cert = "cert.pem"\ntls-key = "/run/key.pem"'));
    expect(settings).toMatchObject({ tlsCert: "etc/cert.pem", tlsKey: "/run/key.pem" });
    expect(resolveSettings({ flags: new Map([["tls-ca", "ca.pem"]]) }).settings.tlsCa).toBe("ca.pem");
  });
});

describe("problems", () => {
  test("all of them at once, each with its place and what is allowed", () => {
    const { problems } = resolveSettings({
      ...file('# settings\nmax-memry = "1gb"\n  port = 70000\nmaxclients = 5\n[tls]\ncert = "x"\n'),
      environment: { NEARKEY_EVICTION: "lru" },
      flags: new Map([["auth-timeout", "10"]]),
    });
    expect(problems.map(({ message }) => message)).toEqual([
      'etc/nearkey.toml:2:1: there is no setting "max-memry": did you mean max-memory?',
      "etc/nearkey.toml:3:3: port = 70000: it takes a whole number from 0 to 65535; 0 lets the system choose",
      'etc/nearkey.toml:4:1: there is no setting "maxclients": did you mean max-connections?',
      "etc/nearkey.toml:5:2: settings stand at the top of the file, not in tables such as [tls]",
      `NEARKEY_EVICTION="lru": it takes ${SERVER_SETTINGS.eviction.kind.allowed}`,
      `--auth-timeout "10": it takes ${SERVER_SETTINGS.authTimeoutMs.kind.allowed}`,
    ]);
    expect(problems[1]).toMatchObject({ file: "etc/nearkey.toml", line: 3, column: 3, key: "port", value: "70000" });
  });

  test("what TOML itself cannot read, by line and column", () => {
    expect(messages(file("port = 1\nhost = = 2\n"))).toEqual(["etc/nearkey.toml:2:8: invalid value"]);
    expect(messages(file("port = 1\nport = 2\n"))[0]).toMatch(/^etc\/nearkey\.toml:2:1: /);
  });

  test("a secret is never repeated", () => {
    const long = "geheim".repeat(300);
    for (const sources of [file(`password = "${long}"`), { environment: { NEARKEY_PASSWORD: long } }]) {
      const text = JSON.stringify(resolveSettings(sources).problems);
      expect(text).toContain("(hidden)");
      expect(text).not.toContain("geheim");
    }
  });

  test("variables that are no setting are a warning, with a suggestion", () => {
    const { problems, warnings } = resolveSettings({
      environment: {
        NEARKEY_MAXMEMORY: "1gb",
        NEARKEY_SERVICE_HOST: "10.0.0.1",
        NEARKEY_SEED: "1",
        NEARKEY_CONFIG: "x",
        NEARKEY_URL: "ws://a",
      },
    });
    expect(problems).toEqual([]);
    expect(warnings.map(({ message }) => message)).toEqual([
      "NEARKEY_MAXMEMORY is no setting and is ignored: did you mean NEARKEY_MAX_MEMORY?",
      "NEARKEY_SERVICE_HOST is no setting and is ignored",
    ]);
  });

  test("the variable that Kubernetes sets is explained", () => {
    expect(messages({ environment: { NEARKEY_PORT: "tcp://10.0.0.1:7379" } })[0]).toContain("enableServiceLinks");
  });

  test.each([
    [{ host: "0.0.0.0" }, /--host 0\.0\.0\.0 can be reached from other machines: set a password/],
    [{ "output-limit": "1mb" }, /--output-limit must be at least/],
    [{ "resp-port": "7379" }, /--port and --resp-port are both 7379/],
    [{ "tls-cert": "a" }, /--tls-cert needs --tls-key/],
    [{ "tls-key": "a" }, /--tls-key needs --tls-cert/],
    [{ "tls-ca": "a" }, /--tls-ca .* needs --tls-cert and --tls-key/],
  ] as const)("%j do not go together", (flags, message) => {
    const found = messages({ flags: new Map(Object.entries(flags)) });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(message);
  });

  test("settings that are wrong by themselves are not compared with others", () => {
    expect(
      messages({
        flags: new Map([
          ["host", "0.0.0.0"],
          ["password", ""],
        ]),
      }),
    ).toHaveLength(1);
  });
});

describe("every setting", () => {
  test("prints values that it reads again", () => {
    const values = {
      ...DEFAULT_SETTINGS,
      allowHosts: ["a.org", "::1"],
      tlsCert: "a.pem",
      password: "x",
      idleTimeoutMs: 1000,
    };
    for (const [name, { kind }] of settingEntries) {
      const value = values[name];
      if (value === undefined) continue;
      expect(v.parse(kind.schema, kind.print(value)), name).toEqual(value);
    }
    expect(v.parse(SERVER_SETTINGS.respPort.kind.schema, 0)).toBeUndefined();
    expect(SERVER_SETTINGS.respPort.kind.print(undefined)).toBe(0);
  });

  test("has one name in each notation, and nobody else's", () => {
    const keys = settingEntries.map(([, { key }]) => key);
    const redisNames = settingEntries.map(([, { redis, key }]) => redis?.name ?? key);
    expect(new Set(keys).size).toBe(keys.length);
    expect(new Set(redisNames).size).toBe(redisNames.length);
    expect(variableOf("max-memory")).toBe("NEARKEY_MAX_MEMORY");
    for (const key of keys) expect(key).toMatch(/^[a-z]+(-[a-z]+)*$/);
  });

  test.each([
    ["0s", 0],
    ["off", 0],
    ["1500ms", undefined],
    ["90s", 90_000],
    ["2h", 7_200_000],
    ["90", undefined],
    [90, undefined],
  ])("an idle timeout of %j is %j", (input, wanted) => {
    const read = v.safeParse(SERVER_SETTINGS.idleTimeoutMs.kind.schema, input);
    expect(read.success ? read.output : undefined).toBe(wanted);
  });
});

describe("a slow log's threshold", () => {
  test.each([
    ["10ms", 10_000],
    ["0us", 0],
    ["off", -1],
    ["2h", undefined],
  ])("%s is %j microseconds", (input, wanted) => {
    const read = v.safeParse(SERVER_SETTINGS.slowerThanUs.kind.schema, input);
    expect(read.success ? read.output : undefined).toBe(wanted);
  });
});

describe("a file to begin with", () => {
  test("says the defaults and nothing else", () => {
    const { settings, problems } = resolveSettings(file(settingsTemplate()));
    expect(problems).toEqual([]);
    expect(settings).toEqual(DEFAULT_SETTINGS);
  });
});

describe("editing the file", () => {
  const TEXT = "# mine\nmax-memory = \"1gb\"   # enough\npassword = 'a # b'\n\nport = 80";

  test("values change on their lines, the rest stays", () => {
    const edited = editSettingsFile(TEXT, changesOf({ "max-memory": "2gb", password: "c", "max-connections": 5 }));
    expect(edited).toBe('# mine\nmax-memory = "2gb"   # enough\npassword = "c"\n\nport = 80\nmax-connections = 5\n');
  });

  test("what is unset goes with its line", () => {
    expect(editSettingsFile(TEXT, changesOf({ password: undefined }))).toBe(
      '# mine\nmax-memory = "1gb"   # enough\n\nport = 80',
    );
  });

  test("a value of dollars is put in as it is", () => {
    expect(editSettingsFile('password = "a"\n', changesOf({ password: "$1$&" }))).toBe('password = "$1$&"\n');
  });

  test("is refused where it cannot be done without harm", () => {
    expect(editSettingsFile('password = """\na"""\n', changesOf({ password: "b" }))).toBeUndefined();
    expect(editSettingsFile("x = = 1", changesOf({ password: "b" }))).toBeUndefined();
    expect(editSettingsFile("[table]\nx = 1\n", changesOf({ password: "b" }))).toBeUndefined();
  });
});

describe("names", () => {
  test.each([
    ["max-memry", "max-memory"],
    ["MAX_MEMORY", "max-memory"],
    ["prot", "port"],
    ["evcition", "eviction"],
    ["something-else", undefined],
  ])("%s means %s", (typed, wanted) => {
    expect(nearestName(typed, ["port", "max-memory", "eviction", "host"])).toBe(wanted);
  });
});

describe("hashed passwords", () => {
  const LINE = "scrypt:ln=14,r=8,p=1:AAECAwQFBgcICQoLDA0ODw:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

  test("are read and written the same", () => {
    const parsed = parseScryptText(LINE);
    expect(parsed).toMatchObject({ costLog2: 14, blockSize: 8, parallel: 1 });
    expect(parsed && scryptText(parsed)).toBe(LINE);
  });

  test.each([
    ["cut short", LINE.slice(0, 40)],
    ["of another kind", LINE.replace("scrypt:", "scrypt:v=1,")],
    ["cheaper than a login should be", LINE.replace("ln=14", "ln=4")],
    ["dearer than a login may be", LINE.replace("ln=14", "ln=30")],
  ])("%s are no password", (_, line) => {
    expect(isPassword(line)).toBe(false);
  });
});

test("docs/settings.md is what the table says (node scripts/settings-page.mjs writes it)", () => {
  expect(readFileSync("docs/settings.md", "utf8")).toBe(settingsPage());
});
