// Reading all sockets into one buffer, the engine's own input. Node gives an accepted socket a fresh 64 KiB buffer for each read; the `onread`
// option that avoids it exists only for sockets that one makes oneself. So the accepted socket's handle, paused and not
// yet read from, is moved to such a socket. The handle is no public part of Node: where it does not look as expected,
// the accepted socket is used as it is, and its `data` events carry the bytes.

import { Socket, type SocketConstructorOpts } from "node:net";

/** The part of Node's TCP handle that tells that reads can go to a given buffer. */
interface Handle {
  useUserBuffer(buffer: Uint8Array): void;
}

interface WithHandle {
  _handle: Handle | null;
}

/**
 * Makes a socket whose reads go to a given buffer, from one that was accepted with `pauseOnConnect`.
 *
 * @param received gets the number of bytes that a read put into the buffer, which are there until it returns
 * @returns the new socket, or the accepted one, which then delivers by `data` events
 */
export function readIntoOneBuffer(accepted: Socket, buffer: Uint8Array, received: (bytes: number) => void): Socket {
  const holder = accepted as unknown as WithHandle;
  const handle = holder._handle;
  if (typeof handle?.useUserBuffer !== "function") return accepted;
  holder._handle = null;
  accepted.destroy(); // only tells its server that it is gone
  const onread = {
    buffer,
    callback: (bytes: number): boolean => {
      received(bytes);
      return true;
    },
  };
  return new Socket({ handle, onread, allowHalfOpen: true } as SocketConstructorOpts);
}
