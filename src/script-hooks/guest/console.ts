// The guest's part that writes values for people to read: console, and what a thrown value looks
// like. Evaluated inside the engine: see source.ts.

type Dictionary = Record<string, unknown>;

export type GuestConsole = {
  readonly methods: Dictionary;
  /**
   * A value as a person reads it: JSON where it is JSON, with Map, Set, Date and the like by name.
   */
  readonly inspect: (value: unknown) => string;
};

export const guestConsole = (print: (line: string) => void): GuestConsole => {
  const { stringify } = JSON;
  const { isArray } = Array;
  const { create, getPrototypeOf, keys, hasOwn } = Object;
  const objectTag = Object.prototype.toString;
  const { apply } = Reflect;
  const { isView } = ArrayBuffer;
  const mapEach = Map.prototype.forEach;
  const setEach = Set.prototype.forEach;
  const dateText = Date.prototype.toISOString;
  const { slice, padEnd, repeat, replaceAll } = String.prototype;
  const objectPrototype = Object.prototype;
  const text = String;
  const number = Number;
  const ErrorOf = Error;
  const isSame = Object.is;

  const DEEPEST = 50;
  /** Characters; a print is cut to less than this. */
  const LONGEST = 10_000;

  const cut = (value: string, start: number, end: number): string => apply(slice, value, [start, end]);

  let length = 0;
  const open: unknown[] = [];

  const primitive = (value: unknown): string | undefined => {
    switch (typeof value) {
      case 'string':
        return stringify(value);
      case 'number':
        return isSame(value, -0) ? '-0' : text(value);
      case 'bigint':
        return `${text(value)}n`;
      case 'function': {
        const name = text((value as { name: unknown }).name);
        return name === '' ? '[Function]' : `[Function: ${name}]`;
      }
      case 'object':
        return value === null ? 'null' : undefined;
      default:
        return text(value);
    }
  };

  const list = (count: number, item: (index: number) => string): string => {
    let all = '';
    for (let index = 0; index < count; index++) {
      if (length > LONGEST) return `${all},…`;
      all += (index === 0 ? '' : ',') + item(index);
    }
    return all;
  };

  const members = (value: object): string => {
    const names = keys(value);
    return list(names.length, (index) => {
      const name = names[index] as string;
      return `${stringify(name)}:${write((value as Dictionary)[name])}`;
    });
  };

  const nameOf = (value: object): string => {
    const prototype = getPrototypeOf(value) as { constructor?: { name?: unknown } } | null;
    if (prototype === null || prototype === objectPrototype) return '';
    const name = prototype.constructor?.name;
    return typeof name === 'string' ? name : '';
  };

  const pairs = (value: object, visit: unknown, isMap: boolean): string => {
    let count = 0;
    let all = '';
    apply(visit as () => void, value, [
      (item: unknown, key: unknown) => {
        if (length <= LONGEST) all += (count === 0 ? '' : ', ') + (isMap ? `${write(key)} => ` : '') + write(item);
        count++;
      },
    ]);
    return `(${count}) {${all}}`;
  };

  const special = (value: object, tag: string): string | undefined => {
    switch (tag) {
      case 'Map':
        return `Map${pairs(value, mapEach, true)}`;
      case 'Set':
        return `Set${pairs(value, setEach, false)}`;
      case 'Date':
        return apply(dateText, value, []);
      case 'RegExp':
        return text(value);
      case 'Error': {
        const cause = hasOwn(value, 'cause') ? ` [cause: ${write((value as Error).cause)}]` : '';
        return text(value) + cause;
      }
      case 'Number':
      case 'Boolean':
      case 'String':
        return `[${tag}: ${primitive((value as { valueOf: () => unknown }).valueOf())}]`;
      case 'Promise':
      case 'WeakMap':
      case 'WeakSet':
      case 'WeakRef':
        return `${tag} {}`;
      case 'ArrayBuffer':
        return `ArrayBuffer(${(value as ArrayBuffer).byteLength})`;
      default:
        return undefined;
    }
  };

  const write = (value: unknown): string => {
    const simple = primitive(value);
    if (simple !== undefined) {
      length += simple.length;
      return simple;
    }
    for (let index = 0; index < open.length; index++) if (open[index] === value) return '[Circular]';
    if (open.length > DEEPEST) return isArray(value) ? '[Array]' : '[Object]';
    open[open.length] = value;
    const written = writeObject(value as object);
    open.length--;
    length += 2;
    return written;
  };

  const writeObject = (value: object): string => {
    if (isArray(value)) return `[${list(value.length, (index) => write(value[index]))}]`;
    const tag = cut(apply(objectTag, value, []), 8, -1);
    try {
      const known = special(value, tag);
      if (known !== undefined) return known;
    } catch {
      // It only calls itself so, or is an invalid date.
      if (tag === 'Date') return 'Invalid Date';
    }
    if (isView(value)) {
      const view = value as unknown as { length?: number; byteLength: number } & Record<number, unknown>;
      const count = view.length ?? view.byteLength;
      return view.length === undefined
        ? `${tag}(${count})`
        : `${tag}(${count}) [${list(count, (index) => write(view[index]))}]`;
    }
    const name = nameOf(value);
    return `${name === '' ? '' : `${name} `}{${members(value)}}`;
  };

  const inspect = (value: unknown): string => {
    length = 0;
    open.length = 0;
    try {
      return write(value);
    } catch {
      return '[a value that cannot be printed]';
    }
  };

  // What console has

  const show = (value: unknown): string => (typeof value === 'string' ? value : inspect(value));

  const placeholder = (kind: string, value: unknown): string | undefined => {
    if (kind === 's') return show(value);
    if (kind === 'd') return text(number(value));
    if (kind === 'i') return text(Math.trunc(number(value)));
    if (kind === 'f') return text(number(value));
    if (kind === 'c') return '';
    return kind === 'o' || kind === 'O' || kind === 'j' ? inspect(value) : undefined;
  };

  const format = (values: readonly unknown[]): string => {
    const first = values[0];
    let line = '';
    let used = 1;
    if (typeof first === 'string' && values.length > 1) {
      for (let at = 0; at < first.length; at++) {
        const kind = first[at] === '%' ? (first[at + 1] ?? '') : '';
        const written = kind !== '' && used < values.length ? placeholder(kind, values[used]) : undefined;
        if (kind === '%') line += '%';
        else if (written !== undefined) {
          line += written;
          used++;
        } else {
          line += first[at];
          continue;
        }
        at++;
      }
    } else line = values.length === 0 ? '' : show(first);
    for (; used < values.length; used++) line += ` ${show(values[used])}`;
    return line;
  };

  let indent = '';
  const say = (line: string): void => {
    print(indent === '' ? line : indent + apply(replaceAll, line, ['\n', `\n${indent}`]));
  };
  const log = (...values: unknown[]): void => say(format(values));

  const labels = (): Dictionary => create(null) as Dictionary;
  const counts = labels();
  const timers = labels();
  const labelOf = (label: unknown): string => (label === undefined ? 'default' : text(label));

  const timed = (label: string, rest: readonly unknown[], ends: boolean): void => {
    if (timers[label] !== true) {
      say(`there is no timer ${label}`);
      return;
    }
    const more = rest.length === 0 ? '' : ` ${format(rest)}`;
    say(`${label}: 0 ms, for the clock of a run stands still${more}`);
    if (ends) delete timers[label];
  };

  const each = (value: object, visit: (name: string, value: unknown) => void): void => {
    const names = keys(value);
    for (let index = 0; index < names.length; index++) {
      visit(names[index] as string, (value as Dictionary)[names[index] as string]);
    }
  };

  const cellsOf = (row: unknown): Dictionary => {
    const cells = labels();
    if (typeof row !== 'object' || row === null) cells.Values = inspect(row);
    else each(row, (name, value) => (cells[name] = inspect(value)));
    return cells;
  };

  const table = (data: unknown, chosen: unknown): void => {
    if (typeof data !== 'object' || data === null) {
      log(data);
      return;
    }
    const columns: string[] = ['(index)'];
    const rows: Dictionary[] = [];
    const add = (index: string, row: unknown): void => {
      const cells = cellsOf(row);
      for (const name in cells) {
        let isNew = !isArray(chosen);
        for (let column = 1; column < columns.length; column++) if (columns[column] === name) isNew = false;
        if (isNew) columns[columns.length] = name;
      }
      cells['(index)'] = index;
      rows[rows.length] = cells;
    };
    if (isArray(chosen)) for (let index = 0; index < chosen.length; index++) columns[index + 1] = text(chosen[index]);
    const tag = cut(apply(objectTag, data, []), 8, -1);
    if (tag === 'Map') {
      apply(mapEach, data, [(value: unknown, key: unknown) => add(show(key), value)]);
    } else if (tag === 'Set') {
      apply(setEach, data, [(value: unknown) => add(text(rows.length), value)]);
    } else each(data, add);

    const lines: string[] = [];
    for (let column = 0; column < columns.length; column++) {
      const name = columns[column] as string;
      let width = name.length;
      for (let row = 0; row < rows.length; row++) {
        const size = text(rows[row]?.[name] ?? '').length;
        if (size > width) width = size;
      }
      const between = column === 0 ? '' : ' | ';
      lines[0] = (lines[0] ?? '') + between + apply(padEnd, name, [width]);
      lines[1] = (lines[1] ?? '') + (column === 0 ? '' : '-+-') + apply(repeat, '-', [width]);
      for (let row = 0; row < rows.length; row++) {
        const cell = text(rows[row]?.[name] ?? '');
        lines[row + 2] = (lines[row + 2] ?? '') + between + apply(padEnd, cell, [width]);
      }
    }
    let all = '';
    for (let index = 0; index < lines.length; index++) all += (index === 0 ? '' : '\n') + lines[index];
    say(all);
  };

  const trace = (...values: unknown[]): void => {
    const stack = text(new ErrorOf().stack);
    let lines = '';
    let start = 0;
    for (let at = 0; at < stack.length; at++) {
      if (stack[at] !== '\n') continue;
      const line = cut(stack, start, at);
      start = at + 1;
      for (let from = 0; from + 12 < line.length; from++) {
        if (cut(line, from, from + 12) !== 'hook-eval.js') continue;
        lines += `\n${line}`;
        break;
      }
    }
    say(`Trace${values.length === 0 ? '' : `: ${format(values)}`}${lines}`);
  };

  const group = (...values: unknown[]): void => {
    if (values.length > 0) log(...values);
    indent += '  ';
  };

  const methods = {
    log,
    info: log,
    warn: log,
    error: log,
    debug: log,
    dirxml: log,
    dir: (value: unknown): void => say(inspect(value)),
    table,
    trace,
    assert: (holds: unknown, ...values: unknown[]): void => {
      if (!holds) say(`Assertion failed${values.length === 0 ? '' : `: ${format(values)}`}`);
    },
    count: (label?: unknown): void => {
      const name = labelOf(label);
      counts[name] = ((counts[name] as number | undefined) ?? 0) + 1;
      say(`${name}: ${counts[name]}`);
    },
    countReset: (label?: unknown): void => {
      delete counts[labelOf(label)];
    },
    time: (label?: unknown): void => {
      timers[labelOf(label)] = true;
    },
    timeLog: (label?: unknown, ...values: unknown[]): void => timed(labelOf(label), values, false),
    timeEnd: (label?: unknown): void => timed(labelOf(label), [], true),
    group,
    groupCollapsed: group,
    groupEnd: (): void => {
      indent = cut(indent, 2, indent.length);
    },
    clear: (): void => {},
  };

  return { methods, inspect };
};
