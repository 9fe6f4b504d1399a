// What the host does with connections, by address and page number.

import {
  closeConnection as close,
  connectionAt,
  openConnection as openNew,
  releaseOutput as releasePageOf,
  takeOutput as take,
} from "./connection";

/** Opens a connection: RESP2, database 0. */
export function openConnection(authenticated: bool): usize {
  return openNew(authenticated);
}

export function closeConnection(connection: usize): void {
  close(connection);
}

/** The oldest page of replies not taken yet, by number; 0 for none. */
export function takeOutput(connection: usize): u32 {
  return take(connectionAt(connection));
}

/** Gives a taken page back. */
export function releaseOutput(connection: usize, page: u32): void {
  releasePageOf(connectionAt(connection), page);
}

export function pinnedPages(connection: usize): u32 {
  return connectionAt(connection).outputPages;
}

export function setAuthenticated(connection: usize, yes: bool): void {
  connectionAt(connection).authenticated = <u8>yes;
}

export function setProtocol(connection: usize, version: u32): void {
  connectionAt(connection).protocol = <u8>version;
}

export function protocolOf(connection: usize): u32 {
  return connectionAt(connection).protocol;
}

export function databaseOf(connection: usize): u32 {
  return connectionAt(connection).database;
}

/** Back to database 0 and RESP2, as RESET does. */
export function resetConnection(connection: usize): void {
  const record = connectionAt(connection);
  record.database = 0;
  record.protocol = 2;
}
