// One search at a time, and always for the newest question. A pen asks at every move; questions that were overtaken
// while an answer travelled are never sent, so the page shows the present and the server is not flooded.

/** Runs `ask` for the newest question. */
export class LatestSearch<Question, Answer> {
  readonly #ask: (question: Question) => Promise<Answer>;
  readonly #show: (question: Question, answer: Answer) => void;
  readonly #fail: (error: unknown) => void;
  #next: { readonly question: Question } | undefined;
  #busy = false;

  constructor(
    ask: (question: Question) => Promise<Answer>,
    show: (question: Question, answer: Answer) => void,
    fail: (error: unknown) => void,
  ) {
    this.#ask = ask;
    this.#show = show;
    this.#fail = fail;
  }

  /** Asks as soon as the answer under way is there; a question that waits already is dropped. */
  search(question: Question): void {
    this.#next = { question };
    if (!this.#busy) void this.#run();
  }

  /** Drops the question that waits. */
  cancel(): void {
    this.#next = undefined;
  }

  async #run(): Promise<void> {
    this.#busy = true;
    while (this.#next !== undefined) {
      const { question } = this.#next;
      this.#next = undefined;
      try {
        this.#show(question, await this.#ask(question));
      } catch (error) {
        this.#fail(error);
      }
    }
    this.#busy = false;
  }
}
