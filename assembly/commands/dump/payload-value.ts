// The value of a payload, text by text, whatever way it is written: list and set as their elements, hash as fields and values in
// turn. It is gone through twice: once to see that it is whole and what memory it takes, and once to make the value.

import { RdbType } from "./dump";
import { nextOfPack, openPack, Pack } from "./packs";
import { damage, isAtEnd, isDamaged, takeLength, takePack, takeString, textBytes } from "./payload";

/** What a value is, whatever way it is written. */
export const enum Kind {
  None = 0,
  String = 1,
  List = 2,
  Set = 3,
  Hash = 4,
}

/** What is done with a type's way of being written. */
const enum Form {
  None = 0,
  /** One string. */
  Single = 1,
  /** A number of strings. */
  Many = 2,
  /** A number of pairs of them. */
  Pairs = 3,
  Listpack = 4,
  Ziplist = 5,
  Integers = 6,
  /** A number of packs. */
  Ziplists = 7,
  /** The same, each with a number before it that says whether it is a pack or an element alone. */
  Listpacks = 8,
}

export function kindOf(type: u32): Kind {
  switch (type) {
    case RdbType.String:
      return Kind.String;
    case RdbType.List:
    case RdbType.ListZiplist:
    case RdbType.ListZiplists:
    case RdbType.ListListpacks:
      return Kind.List;
    case RdbType.Set:
    case RdbType.SetIntset:
    case RdbType.SetListpack:
      return Kind.Set;
    case RdbType.Hash:
    case RdbType.HashZiplist:
    case RdbType.HashListpack:
      return Kind.Hash;
    default:
      return Kind.None;
  }
}

function formOf(type: u32): Form {
  switch (type) {
    case RdbType.String:
      return Form.Single;
    case RdbType.List:
    case RdbType.Set:
      return Form.Many;
    case RdbType.Hash:
      return Form.Pairs;
    case RdbType.ListZiplist:
    case RdbType.HashZiplist:
      return Form.Ziplist;
    case RdbType.SetIntset:
      return Form.Integers;
    case RdbType.ListZiplists:
      return Form.Ziplists;
    case RdbType.ListListpacks:
      return Form.Listpacks;
    case RdbType.HashListpack:
    case RdbType.SetListpack:
      return Form.Listpack;
    default:
      return Form.None;
  }
}

// The way through a value; call-scoped.
let form: Form = Form.None;
/** Strings or packs that are not begun. */
let left: u32 = 0;
let isInPack: bool = false;

/** Begins with a value of a type; the payload stands behind it. */
export function startTexts(type: u32): void {
  form = formOf(type);
  isInPack = false;
  left = form == Form.Many || form == Form.Pairs || form >= Form.Ziplists ? takeLength() : 1;
  if (form != Form.Pairs) return;
  if (left >= 0x80000000) damage();
  left <<= 1;
}

/** Shows the next text of the value; false after the last, or when the payload is damaged. */
export function nextText(): bool {
  while (!isDamaged) {
    if (isInPack) {
      if (nextOfPack()) return true;
      isInPack = false;
      continue;
    }
    if (left == 0) {
      if (!isAtEnd()) damage();
      return false;
    }
    left--;
    if (form <= Form.Pairs || (form == Form.Listpacks && isAlone())) {
      takeString();
      return !isDamaged;
    }
    const pack = takePack();
    isInPack = !isDamaged;
    if (isInPack) openPack(packOf(form), pack, textBytes);
  }
  return false;
}

const ALONE: u32 = 1;
const PACKED: u32 = 2;

function isAlone(): bool {
  const container = takeLength();
  if (container != ALONE && container != PACKED) damage();
  return container == ALONE;
}

function packOf(form: Form): Pack {
  if (form == Form.Integers) return Pack.Integers;
  return form == Form.Ziplist || form == Form.Ziplists ? Pack.Ziplist : Pack.Listpack;
}
