// Reading a password so that it stands nowhere: not on the screen, not among a process's arguments, not in a shell's
// history. A terminal is asked, twice, with its echo off; anything else is read to the end of its first line.

import { text } from "node:stream/consumers";

const INTERRUPT = "\u0003";
const END = "\u0004";
const BACKSPACES = ["\u007f", "\b"];

/**
 * Reads a password from standard input.
 *
 * @param prompt what a terminal is asked with
 * @param again what it is asked with the second time
 * @returns undefined when the two answers differ
 */
export async function readPassword(prompt: string, again: string): Promise<string | undefined> {
  const { stdin } = process;
  if (!stdin.isTTY) return (await text(stdin)).split(/\r?\n/, 1)[0] ?? "";
  // The echo ends before the question is asked, and stays off between the two.
  stdin.setRawMode(true);
  try {
    const first = await askHidden(prompt);
    return first === (await askHidden(again)) ? first : undefined;
  } finally {
    stdin.setRawMode(false);
  }
}

/**
 * Asks a terminal for the password of a server.
 *
 * @param prompt what it is asked with
 */
export async function askPassword(prompt: string): Promise<string> {
  process.stdin.setRawMode(true);
  try {
    return await askHidden(prompt);
  } finally {
    process.stdin.setRawMode(false);
  }
}

/** Reads one line of a terminal in raw mode; the prompt goes to standard error, since the output may go to a file. */
function askHidden(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(prompt);
  stdin.setEncoding("utf8");
  stdin.resume();
  let line = "";
  return new Promise((resolve) => {
    const done = (): void => {
      stdin.off("data", take);
      stdin.pause();
      stderr.write("\n");
    };
    const take = (typed: string): void => {
      for (const [index, character] of [...typed].entries()) {
        if (character === INTERRUPT) {
          done();
          stdin.setRawMode(false);
          process.exit(130);
        } else if (character === "\r" || character === "\n" || character === END) {
          done();
          // What was typed ahead belongs to the next question.
          const ahead = [...typed].slice(index + 1).join("");
          if (ahead !== "") stdin.unshift(ahead);
          resolve(line);
          return;
        } else if (BACKSPACES.includes(character)) line = [...line].slice(0, -1).join("");
        else line += character;
      }
    };
    stdin.on("data", take);
  });
}
