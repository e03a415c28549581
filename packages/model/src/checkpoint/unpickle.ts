/** A class or function that a pickle names. Nothing is looked up and nothing is run. */
export class Named {
  constructor(readonly name: string) {}
}

/** Something that stands in a pickle and was passed over: an object of a class, raw bytes, a number of many digits. */
export class Unbuilt {
  constructor(readonly of: string) {}
}

/** What the reader of a pickle knows how to make; everything else is {@link Unbuilt}. */
export type Makers = {
  /** What a call of a named function gives, or undefined where it is not known. */
  call(name: string, args: readonly unknown[]): unknown;
  /** What a persistent id stands for. */
  persistent(id: unknown): unknown;
};

/** A pickle only describes: real ones are some hundred kilobytes, a hundred thousand steps and some ten thousand lists. */
export const pickleBudget = { bytes: 64 * 2 ** 20, steps: 5_000_000, containers: 500_000 } as const;

const text = new TextDecoder("utf-8");
const plainKey = (key: unknown) => ["string", "number", "boolean"].includes(typeof key) || key === null;

class Machine {
  readonly stack: unknown[] = [];
  readonly marks: number[] = [];
  readonly memo = new Map<number, unknown>();
  private readonly view: DataView;
  private at = 0;
  private containers = 0;

  constructor(
    private readonly bytes: Uint8Array,
    readonly makers: Makers,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Where the next `count` bytes begin. */
  skip(count: number): number {
    const start = this.at;
    if (count > this.bytes.byteLength - start) throw new Error("it ends early");
    this.at = start + count;
    return start;
  }

  byte = (): number => this.view.getUint8(this.skip(1));
  short = (): number => this.view.getUint16(this.skip(2), true);
  word = (): number => this.view.getUint32(this.skip(4), true);
  signed = (): number => this.view.getInt32(this.skip(4), true);
  long = (): number => Number(this.view.getBigUint64(this.skip(8), true));
  double = (): number => this.view.getFloat64(this.skip(8));

  text(count: number): string {
    const start = this.skip(count);
    return text.decode(this.bytes.subarray(start, start + count));
  }

  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) throw new Error("it ends early");
    const found = this.text(end - this.at);
    this.at = end + 1;
    return found;
  }

  /** A whole number of so many bytes; what a double cannot count exactly is passed over and not computed. */
  whole(count: number): unknown {
    const start = this.skip(count);
    if (count > 8) return new Unbuilt(`a number of ${count} bytes`);
    let value = 0n;
    for (let i = 0; i < count; i++) value |= BigInt(this.bytes[start + i]) << BigInt(8 * i);
    const signed = Number(BigInt.asIntN(8 * count, value));
    return Number.isSafeInteger(signed) ? signed : new Unbuilt("a number beyond 2^53");
  }

  raw(count: number): Unbuilt {
    this.skip(count);
    return new Unbuilt(`${count} raw bytes`);
  }

  pop(): unknown {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) throw new Error("it takes what is not there");
    return this.stack.pop();
  }

  top(): unknown {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) throw new Error("it takes what is not there");
    return this.stack.at(-1);
  }

  /** Everything since the last mark. */
  items(): unknown[] {
    const mark = this.marks.pop();
    if (mark === undefined) throw new Error("it takes what is not there");
    return this.stack.splice(mark);
  }

  /** Lists, tuples and dictionaries are counted: a byte may ask for one. */
  container<T>(made: T): T {
    this.containers += 1;
    if (this.containers > pickleBudget.containers) {
      throw new Error(`it holds more than ${pickleBudget.containers} lists and dictionaries`);
    }
    return made;
  }

  last(count: number): unknown[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  remember(index: number): void {
    this.memo.set(index, this.top());
  }

  recall(index: number): unknown {
    if (!this.memo.has(index)) throw new Error("it takes what is not there");
    return this.memo.get(index);
  }

  append(items: readonly unknown[]): void {
    const list = this.top();
    if (Array.isArray(list)) for (const item of items) list.push(item);
    else this.expectUnbuilt(list);
  }

  assign(items: readonly unknown[]): void {
    const target = this.top();
    if (items.length % 2 !== 0) throw new Error("a key has no value");
    if (target instanceof Map) {
      for (let i = 0; i < items.length; i += 2) if (plainKey(items[i])) target.set(items[i], items[i + 1]);
    } else this.expectUnbuilt(target);
  }

  /** What is put into something that was passed over is passed over with it. */
  expectUnbuilt(target: unknown): void {
    if (!(target instanceof Unbuilt)) throw new Error("it fills what is neither list nor dictionary");
  }

  call(callable: unknown, args: unknown): unknown {
    if (callable instanceof Unbuilt) return new Unbuilt(callable.of);
    if (!(callable instanceof Named) || !Array.isArray(args))
      throw new Error("it calls something that is not a function");
    return this.container(this.makers.call(callable.name, args) ?? new Unbuilt(callable.name));
  }

  read(): unknown {
    for (let step = 0; step < pickleBudget.steps; step++) {
      const opcode = this.byte();
      if (opcode === 0x2e) return this.pop();
      const perform = opcodes[opcode];
      if (perform === undefined) throw new Error(`it holds the unknown opcode ${opcode}`);
      const pushed = perform(this);
      if (pushed !== nothing) this.stack.push(pushed);
    }
    throw new Error(`it takes more than ${pickleBudget.steps} steps`);
  }
}

const nothing = Symbol("nothing");
const quiet = (act: (m: Machine) => unknown) => (m: Machine) => {
  act(m);
  return nothing;
};
const swapped = (m: Machine, make: (below: unknown, above: unknown) => unknown) => {
  const above = m.pop();
  return make(m.pop(), above);
};
/** An object by its class and what it is made from, which is passed over. */
const objectOf = (type: unknown) => new Unbuilt(type instanceof Named ? type.name : "an unnamed class");

const namedBy = (module: unknown, name: unknown): Named => {
  if (typeof module !== "string" || typeof name !== "string") throw new Error("it names something that is not text");
  return new Named(`${module}.${name}`);
};

/**
 * Opcodes of pickle protocols 2 to 5 by their byte (Python's `pickletools`): each reads its operands and gives what goes
 * on the stack. Those that only protocols 0 and 1 write are not among them: PyTorch writes protocol 2.
 */
const opcodes: Readonly<Record<number, (m: Machine) => unknown>> = {
  128: quiet((m) => m.byte()), // PROTO
  149: quiet((m) => m.skip(8)), // FRAME
  40: quiet((m) => m.marks.push(m.stack.length)), // MARK
  48: quiet((m) => m.pop()), // POP
  49: quiet((m) => m.items()), // POP_MARK
  50: (m) => m.top(), // DUP
  113: quiet((m) => m.remember(m.byte())), // BINPUT
  114: quiet((m) => m.remember(m.word())), // LONG_BINPUT
  148: quiet((m) => m.remember(m.memo.size)), // MEMOIZE
  104: (m) => m.recall(m.byte()), // BINGET
  106: (m) => m.recall(m.word()), // LONG_BINGET
  78: () => null, // NONE
  136: () => true, // NEWTRUE
  137: () => false, // NEWFALSE
  74: (m) => m.signed(), // BININT
  75: (m) => m.byte(), // BININT1
  77: (m) => m.short(), // BININT2
  71: (m) => m.double(), // BINFLOAT
  138: (m) => m.whole(m.byte()), // LONG1
  139: (m) => m.whole(m.word()), // LONG4
  88: (m) => m.text(m.word()), // BINUNICODE
  140: (m) => m.text(m.byte()), // SHORT_BINUNICODE
  141: (m) => m.text(m.long()), // BINUNICODE8
  84: (m) => m.text(m.word()), // BINSTRING
  85: (m) => m.text(m.byte()), // SHORT_BINSTRING
  66: (m) => m.raw(m.word()), // BINBYTES
  67: (m) => m.raw(m.byte()), // SHORT_BINBYTES
  142: (m) => m.raw(m.long()), // BINBYTES8
  150: (m) => m.raw(m.long()), // BYTEARRAY8
  41: (m) => m.container([]), // EMPTY_TUPLE
  116: (m) => m.container(m.items()), // TUPLE
  133: (m) => m.container(m.last(1)), // TUPLE1
  134: (m) => m.container(m.last(2)), // TUPLE2
  135: (m) => m.container(m.last(3)), // TUPLE3
  93: (m) => m.container([]), // EMPTY_LIST
  97: quiet((m) => m.append(m.last(1))), // APPEND
  101: quiet((m) => m.append(m.items())), // APPENDS
  125: (m) => m.container(new Map()), // EMPTY_DICT
  115: quiet((m) => m.assign(m.last(2))), // SETITEM
  117: quiet((m) => m.assign(m.items())), // SETITEMS
  143: () => new Unbuilt("set"), // EMPTY_SET
  144: quiet((m) => m.append(m.items())), // ADDITEMS
  145: (m) => objectOf(new Named(`frozenset of ${m.items().length}`)), // FROZENSET
  99: (m) => namedBy(m.line(), m.line()), // GLOBAL
  147: (m) => swapped(m, namedBy), // STACK_GLOBAL
  82: (m) => swapped(m, (callable, args) => m.call(callable, args)), // REDUCE
  98: quiet((m) => m.pop()), // BUILD: attributes, which nothing here reads
  129: (m) => swapped(m, objectOf), // NEWOBJ
  146: (m) => objectOf(m.last(3)[0]), // NEWOBJ_EX
  111: (m) => objectOf(m.items()[0]), // OBJ
  105: (m) => {
    const type = namedBy(m.line(), m.line());
    m.items();
    return objectOf(type);
  }, // INST
  81: (m) => m.makers.persistent(m.pop()), // BINPERSID
};

/**
 * Reads a pickle without making any object it names: dictionaries become maps, lists and tuples arrays, calls what
 * `makers` know, everything else {@link Unbuilt}. Time and memory are bounded by {@link pickleBudget}; a dictionary's
 * entry under a key that is no text, number or boolean is passed over.
 *
 * @throws Error in plain words where it is damaged or larger than any real one
 */
export const unpickle = (bytes: Uint8Array, makers: Makers): unknown => new Machine(bytes, makers).read();
