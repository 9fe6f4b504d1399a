// What types are called: by TYPE in replies, and as SCAN takes them in any case.

import { TYPE_HASH, TYPE_LIST, TYPE_SET, TYPE_SORTED_SET, TYPE_STREAM, TYPE_VECTOR_SET } from "../../memory/entry";

/** As TYPE replies. */
export function typeName(type: u8): string {
  if (type == TYPE_HASH) return "hash";
  if (type == TYPE_LIST) return "list";
  if (type == TYPE_SET) return "set";
  if (type == TYPE_SORTED_SET) return "zset";
  if (type == TYPE_STREAM) return "stream";
  if (type == TYPE_VECTOR_SET) return "vectorset";
  return "string";
}

/** In upper case, as names are compared. */
export function upperTypeName(type: u8): string {
  if (type == TYPE_HASH) return "HASH";
  if (type == TYPE_LIST) return "LIST";
  if (type == TYPE_SET) return "SET";
  if (type == TYPE_SORTED_SET) return "ZSET";
  if (type == TYPE_STREAM) return "STREAM";
  if (type == TYPE_VECTOR_SET) return "VECTORSET";
  return "STRING";
}
