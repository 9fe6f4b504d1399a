// What a command of a text frame may not be: the engine would answer one over a limit with a protocol error and end the
// connection, as Redis does, because in a stream of bytes nothing after it can be trusted. A text frame has its own
// border, so such a command is refused alone, with the name of the setting, and the connection goes on.

import { NearkeyError } from "../errors.ts";
import type { Argument } from "../resp.ts";

/** Limits on one command. */
export interface CommandLimits {
  /** Longest argument, bytes. */
  readonly maxValueBytes: number;
  /** Most arguments. */
  readonly maxArguments: number;
}

/** Why a command is over a limit, as an error that names the setting; undefined when it is not. */
export function checkLimits(command: readonly Argument[], limits: CommandLimits): NearkeyError | undefined {
  const { maxValueBytes, maxArguments } = limits;
  if (command.length > maxArguments) {
    return overLimit(`a command has at most ${maxArguments} arguments (--max-arguments), not ${command.length}`);
  }
  for (let index = 0; index < command.length; index++) {
    const bytes = bytesOfArgument(command[index] as Argument, maxValueBytes);
    if (bytes > maxValueBytes) {
      return overLimit(`command[${index}] has ${bytes} bytes, over the limit of ${maxValueBytes} (--max-value-bytes)`);
    }
  }
  return undefined;
}

/** Length as UTF-8; not counted where it cannot be over the limit. */
function bytesOfArgument(argument: Argument, limit: number): number {
  if (argument instanceof Uint8Array) return argument.length;
  const text = String(argument);
  return text.length * 3 <= limit ? text.length : Buffer.byteLength(text);
}

function overLimit(message: string): NearkeyError {
  return new NearkeyError("invalid-argument", message);
}
