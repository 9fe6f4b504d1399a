// The page's way to its server: one client for what the page shows, and a second one for the console, made when it is
// first used, so that nothing typed there (a command that floods, later one that blocks) holds up a search. The client
// comes back by itself; how its sockets fare is seen by handing it a WebSocket class that tells.

import { type Client, connect, NearkeyError, type Reply, type WebSocketClass } from "../client.ts";

/** The elements that show the connection, and who waits for it. */
export interface ConnectionParts {
  readonly status: HTMLElement;
  readonly form: HTMLFormElement;
  readonly password: HTMLInputElement;
  /** Called at each connection, the first and those after a loss. */
  connected(): void;
}

type State = "connecting" | "connected" | "lost";

/** Between two attempts to reach the server for the first time. */
const RETRY_MS = 1000;
/** A page has somebody waiting before it: it does not hold back for long. */
const RECONNECT = { minDelayMs: 100, maxDelayMs: 1500 };
const LOST_CODES: readonly string[] = ["connection-lost", "connection-failed", "not-sent"];
const PASSWORD_CODES: readonly string[] = ["authentication-required", "wrong-password"];

/** The connection of the page. */
export class Connection {
  readonly #parts: ConnectionParts;
  readonly #url = location.href.replace(/^http/, "ws").replace(/[?#].*$/, "");
  readonly #client: Promise<Client>;
  #console: Promise<Client> | undefined;
  #password: string | undefined;
  /** Whether the first connection was made; from then on the client reconnects. */
  #greeted = false;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    parts.form.addEventListener("submit", (event) => event.preventDefault());
    this.#client = this.#open();
  }

  /** The client, once there was a connection. */
  client(): Promise<Client> {
    return this.#client;
  }

  /** Runs a command on the console's own connection. */
  async runForConsole([name, ...args]: readonly (string | Uint8Array)[]): Promise<Reply> {
    await this.#client;
    this.#console ??= connect(this.#url, this.#options(WebSocket));
    const client = await this.#console.catch((error) => {
      this.#console = undefined;
      throw error;
    });
    return client.commandBytes(typeof name === "string" ? name : new TextDecoder().decode(name), ...args);
  }

  /** Whether an error says no more than that the connection is gone, which the status shows already. */
  lost(error: unknown): boolean {
    return error instanceof NearkeyError && LOST_CODES.includes(error.code);
  }

  async #open(): Promise<Client> {
    const watched = this.#watchedSocket();
    while (true) {
      try {
        const client = await connect(this.#url, this.#options(watched));
        this.#greeted = true;
        this.#connected();
        return client;
      } catch (error) {
        await this.#remedy(error);
      }
    }
  }

  #options(socketClass: typeof WebSocket) {
    const reconnect = RECONNECT;
    const socket = { WebSocket: socketClass as unknown as WebSocketClass, reconnect };
    return this.#password === undefined ? socket : { ...socket, password: this.#password };
  }

  /** Does what may help before the next attempt: asks for the password, or waits. */
  async #remedy(error: unknown): Promise<void> {
    if (error instanceof NearkeyError && PASSWORD_CODES.includes(error.code)) {
      this.#show("lost", error.code === "wrong-password" ? "wrong password" : "password needed");
      this.#password = await this.#askPassword();
      this.#show("connecting", "connecting");
      return;
    }
    this.#show("lost", "server not reached, trying again");
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }

  #askPassword(): Promise<string> {
    const { form, password } = this.#parts;
    form.hidden = false;
    password.value = "";
    password.focus();
    return new Promise((resolve) => {
      form.addEventListener("submit", () => resolve(password.value), { once: true });
    });
  }

  #watchedSocket(): typeof WebSocket {
    const opened = (): void => {
      if (this.#greeted) this.#connected();
    };
    const closed = (): void => {
      if (this.#greeted) this.#show("lost", "connection lost, trying again");
    };
    return class extends WebSocket {
      constructor(url: string | URL) {
        super(url);
        this.addEventListener("open", opened);
        this.addEventListener("close", closed);
      }
    };
  }

  #connected(): void {
    this.#parts.form.hidden = true;
    this.#show("connected", "connected");
    this.#parts.connected();
  }

  #show(state: State, words: string): void {
    const { status } = this.#parts;
    status.dataset.state = state;
    const text = status.querySelector(".words");
    if (text !== null && text.textContent !== words) text.textContent = words;
  }
}
