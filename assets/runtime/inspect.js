// Values as text, laid out the way Node's console lays them out. Knows no console and no host but `peek`.
(function (host) {
  'use strict';

  const CUSTOM = Symbol.for('nodejs.util.inspect.custom');
  const IDENTIFIER = /^[a-zA-Z_][a-zA-Z_0-9]*$/;
  const DEFAULTS = {
    showHidden: false, depth: 2, colors: false, customInspect: true, showProxy: false,
    maxArrayLength: 100, maxStringLength: 10000, breakLength: 80, compact: 3, sorted: false,
    getters: false, numericSeparator: false,
  };
  const ESCAPES = { '\b': '\\b', '\t': '\\t', '\n': '\\n', '\f': '\\f', '\r': '\\r', '\\': '\\\\' };
  const TypedArray = Object.getPrototypeOf(Uint8Array);

  function inspect(value, options, depth, colors) {
    const ctx = { ...inspect.defaultOptions };
    if (typeof options === 'boolean') ctx.showHidden = options;
    else if (options) Object.assign(ctx, options);
    if (depth !== undefined) ctx.depth = depth;
    if (colors !== undefined) ctx.colors = colors;
    if (ctx.maxArrayLength === null) ctx.maxArrayLength = Infinity;
    if (ctx.maxStringLength === null) ctx.maxStringLength = Infinity;
    if (ctx.depth === null) ctx.depth = Infinity;
    ctx.seen = [];
    ctx.circular = new Map();
    ctx.indentation = 0;
    ctx.reached = 0;
    return any(ctx, value, 0);
  }
  inspect.custom = CUSTOM;
  inspect.defaultOptions = DEFAULTS;

  function any(ctx, value, level) {
    if (value === null || (typeof value !== 'object' && typeof value !== 'function')) {
      return primitive(ctx, value);
    }
    const custom = ctx.customInspect ? value[CUSTOM] : undefined;
    if (typeof custom === 'function' && custom !== inspect) {
      const { seen, circular, indentation, reached, ...options } = ctx;
      const text = custom.call(value, ctx.depth - level, { ...options, depth: ctx.depth - level }, inspect);
      if (text !== value) {
        return typeof text === 'string' ? text.replaceAll('\n', `\n${' '.repeat(ctx.indentation)}`)
          : any(ctx, text, level);
      }
    }
    if (ctx.seen.includes(value)) {
      if (!ctx.circular.has(value)) ctx.circular.set(value, ctx.circular.size + 1);
      return `[Circular *${ctx.circular.get(value)}]`;
    }
    return object(ctx, value, level);
  }

  function quoted(text) {
    const mark = !text.includes("'") ? "'" : !text.includes('"') ? '"'
      : !text.includes('`') && !text.includes('${') ? '`' : "'";
    let out = '';
    for (const unit of text) {
      const code = unit.charCodeAt(0);
      if (unit === mark) out += `\\${unit}`;
      else if (ESCAPES[unit]) out += ESCAPES[unit];
      else if (code < 32 || (code >= 127 && code < 160)) out += `\\x${code.toString(16).toUpperCase().padStart(2, '0')}`;
      else if (unit.length === 1 && code >= 0xd800 && code <= 0xdfff) out += `\\u${code.toString(16)}`;
      else out += unit;
    }
    return mark + out + mark;
  }

  function primitive(ctx, value) {
    switch (typeof value) {
      case 'string': {
        let rest = '';
        if (value.length > ctx.maxStringLength) {
          const more = value.length - ctx.maxStringLength;
          rest = `... ${more} more character${more > 1 ? 's' : ''}`;
          value = value.slice(0, ctx.maxStringLength);
        }
        const isLong = value.length > 16 && value.length > ctx.breakLength - ctx.indentation - 4;
        if (ctx.compact !== true && isLong && value.includes('\n')) {
          const lines = value.split(/(?<=\n)/).map(quoted);
          return lines.join(` +\n${' '.repeat(ctx.indentation + 2)}`) + rest;
        }
        return quoted(value) + rest;
      }
      case 'number': return Object.is(value, -0) ? '-0' : String(value);
      case 'bigint': return `${value}n`;
      case 'symbol': return value.toString();
      default: return String(value);
    }
  }

  // The name a value goes by: its nearest constructor, or null.
  function constructorOf(value) {
    for (let at = value; at !== null; at = Object.getPrototypeOf(at)) {
      const found = Object.getOwnPropertyDescriptor(at, 'constructor');
      if (found && typeof found.value === 'function' && found.value.name !== '' && instance(value, found.value)) {
        return found.value.name;
      }
    }
    return null;
  }

  function instance(value, constructor) {
    try {
      return value instanceof constructor;
    } catch {
      return false;
    }
  }

  function prefix(name, tag, fallback, size) {
    const length = size === undefined ? '' : `(${size})`;
    const shown = name === null ? `[${fallback}${length}: null prototype]` : `${name}${length}`;
    return `${shown}${tag !== '' && name !== tag ? ` [${tag}]` : ''} `;
  }

  function tagOf(value, name) {
    let tag;
    try {
      tag = value[Symbol.toStringTag];
    } catch {
      return '';
    }
    return typeof tag === 'string' && tag !== '' && tag !== name ? tag : '';
  }

  function keysOf(ctx, value) {
    const own = ctx.showHidden ? Object.getOwnPropertyNames(value) : Object.keys(value);
    const symbols = Object.getOwnPropertySymbols(value);
    return own.concat(ctx.showHidden ? symbols
      : symbols.filter((it) => Object.prototype.propertyIsEnumerable.call(value, it)));
  }

  const isIndex = (key) => typeof key === 'string' && /^(0|[1-9]\d*)$/.test(key);

  // How a value is laid out: its braces, what stands before them, its entries.
  function shape(ctx, value, level) {
    const name = constructorOf(value);
    const tag = tagOf(value, name);
    let keys = keysOf(ctx, value);
    const nothing = () => [];
    if (Array.isArray(value)) {
      keys = keys.filter((key) => !isIndex(key));
      const before = name !== 'Array' || tag !== '' ? prefix(name, tag, 'Array', value.length) : '';
      return { keys, list: true, braces: [`${before}[`, ']'], empty: value.length === 0, entries: arrayEntries };
    }
    if (value instanceof Set) {
      return { keys, braces: [`${prefix(name, tag, 'Set', value.size)}{`, '}'], empty: value.size === 0, entries: setEntries };
    }
    if (value instanceof Map) {
      return { keys, braces: [`${prefix(name, tag, 'Map', value.size)}{`, '}'], empty: value.size === 0, entries: mapEntries };
    }
    if (value instanceof TypedArray) {
      keys = keys.filter((key) => !isIndex(key));
      return {
        keys, list: true, braces: [`${prefix(name, tag === name ? '' : tag, 'TypedArray', value.length)}[`, ']'],
        empty: value.length === 0, entries: typedEntries,
      };
    }
    const braces = ['{', '}'];
    const plain = (base) => ({ keys, base, braces, empty: true, entries: nothing });
    if (typeof value === 'function') return plain(functionBase(value, name, tag));
    if (value instanceof RegExp) return plain(RegExp.prototype.toString.call(value));
    if (value instanceof Date) return plain(Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString());
    if (isError(value)) {
      const shownKeys = keys.filter((key) => key !== 'cause' && !isRepeated(value, key));
      const hasCause = Object.hasOwn(value, 'cause');
      const hasErrors = Array.isArray(value.errors) && Object.hasOwn(value, 'errors') && !keys.includes('errors');
      const entries = (inner, error, depth) => [
        ...(hasCause ? [`[cause]: ${indented(inner, error.cause, depth)}`] : []),
        ...(hasErrors ? [`[errors]: ${indented(inner, error.errors, depth)}`] : []),
      ];
      return { keys: shownKeys, base: errorBase(ctx, value, name), braces, empty: !hasCause && !hasErrors, entries };
    }
    if (value instanceof ArrayBuffer) {
      return { keys, braces: [`${prefix(name, tag, 'ArrayBuffer')}{`, '}'], empty: false, entries: bufferEntries };
    }
    if (value instanceof Promise) {
      return { keys, braces: [`${prefix(name, tag, 'Promise')}{`, '}'], empty: false, entries: promiseEntries };
    }
    if (value instanceof WeakSet || value instanceof WeakMap) {
      return { keys, braces: [`${prefix(name, tag, 'WeakSet')}{`, '}'], empty: false, entries: () => ['<items unknown>'] };
    }
    for (const [boxed, kind] of [[Number, 'Number'], [String, 'String'], [Boolean, 'Boolean'], [Symbol, 'Symbol'], [BigInt, 'BigInt']]) {
      if (value instanceof boxed) {
        keys = keys.filter((key) => kind !== 'String' || !isIndex(key));
        return plain(`[${kind}: ${primitive({ ...ctx, compact: true }, value.valueOf())}]`);
      }
    }
    if (Object.prototype.toString.call(value) === '[object Arguments]') {
      return { keys, braces: ['[Arguments] {', '}'], empty: true, entries: nothing };
    }
    const before = name === 'Object' && tag === '' ? '' : prefix(name, tag, tag === 'Module' ? 'Module' : 'Object');
    if (tag === 'Module' && name === null) {
      return { keys, braces: ['[Module: null prototype] {', '}'], empty: true, entries: nothing };
    }
    return { keys, braces: [`${before}{`, '}'], empty: true, entries: nothing, level };
  }

  function object(ctx, value, level) {
    const { keys, base = '', braces, empty, entries, list = false } = shape(ctx, value, level);
    if (empty && keys.length === 0) {
      return base !== '' ? base : `${braces[0]}${braces[1]}`;
    }
    if (level > ctx.depth) {
      const name = constructorOf(value);
      const shown = prefix(name, tagOf(value, name), Array.isArray(value) ? 'Array' : 'Object').trimEnd();
      return `[${shown}]`;
    }
    const inside = level + 1;
    ctx.seen.push(value);
    ctx.reached = inside;
    const output = entries(ctx, value, inside);
    const count = output.length;
    if (ctx.sorted) keys.sort(typeof ctx.sorted === 'function' ? ctx.sorted : undefined);
    for (const key of keys) output.push(property(ctx, value, key, inside));
    ctx.seen.pop();
    let before = base;
    if (ctx.circular.has(value)) {
      const reference = `<ref *${ctx.circular.get(value)}>`;
      if (ctx.compact === true || base !== '') before = `${reference} ${base}`.trimEnd();
      else braces[0] = `${reference} ${braces[0]}`;
    }
    return joined(ctx, output, before, braces, list ? value : undefined, inside, count);
  }

  function indented(ctx, value, level) {
    ctx.indentation += 2;
    const text = any(ctx, value, level);
    ctx.indentation -= 2;
    return text;
  }

  function property(ctx, value, key, level) {
    const found = Object.getOwnPropertyDescriptor(value, key) ?? { value: value[key], enumerable: true };
    let text;
    if ('value' in found) text = indented(ctx, found.value, level);
    else if (found.get) text = found.set ? '[Getter/Setter]' : '[Getter]';
    else text = found.set ? '[Setter]' : 'undefined';
    let name;
    if (typeof key === 'symbol') name = `[${key.toString()}]`;
    else if (key === '__proto__') name = "['__proto__']";
    else if (!found.enumerable) name = `[${key}]`;
    else name = IDENTIFIER.test(key) ? key : quoted(key);
    return `${name}: ${text}`;
  }

  function more(count) {
    return `... ${count} more item${count > 1 ? 's' : ''}`;
  }

  function arrayEntries(ctx, value, level) {
    const output = [];
    const most = ctx.maxArrayLength;
    let at = 0;
    while (at < value.length && output.length < most) {
      if (Object.hasOwn(value, at)) {
        output.push(indented(ctx, value[at], level));
        at += 1;
      } else {
        const from = at;
        while (at < value.length && !Object.hasOwn(value, at)) at += 1;
        output.push(`<${at - from} empty item${at - from > 1 ? 's' : ''}>`);
      }
    }
    if (at < value.length) output.push(more(value.length - at));
    return output;
  }

  function typedEntries(ctx, value) {
    const shown = Math.min(value.length, ctx.maxArrayLength);
    const output = Array.from({ length: shown }, (_, at) => primitive(ctx, value[at]));
    if (shown < value.length) output.push(more(value.length - shown));
    return output;
  }

  function limited(ctx, entries, size) {
    const output = [];
    for (const entry of entries) {
      if (output.length >= ctx.maxArrayLength) {
        output.push(more(size - output.length));
        break;
      }
      output.push(entry());
    }
    return output;
  }

  function setEntries(ctx, value, level) {
    return limited(ctx, [...value].map((it) => () => indented(ctx, it, level)), value.size);
  }

  function mapEntries(ctx, value, level) {
    const entries = [...value].map(([key, it]) => () => `${indented(ctx, key, level)} => ${indented(ctx, it, level)}`);
    return limited(ctx, entries, value.size);
  }

  function bufferEntries(ctx, value) {
    const bytes = new Uint8Array(value);
    const shown = Array.from(bytes.subarray(0, 50), (it) => it.toString(16).padStart(2, '0')).join(' ');
    const left = bytes.length - 50;
    const rest = left > 0 ? ` ... ${left} more byte${left > 1 ? 's' : ''}` : '';
    return [`[Uint8Contents]: <${shown}${rest}>`, `byteLength: ${value.byteLength}`];
  }

  function promiseEntries(ctx, value, level) {
    const [state, result] = host.peek(value);
    if (state === 'pending') return ['<pending>'];
    const text = indented(ctx, result, level);
    return [state === 'rejected' ? `<rejected> ${text}` : text];
  }

  function functionBase(value, name, tag) {
    const source = Function.prototype.toString.call(value);
    if (source.startsWith('class') && source.endsWith('}')) {
      const parent = Object.getPrototypeOf(value);
      const own = Object.hasOwn(value, 'name') && value.name ? ` ${value.name}` : ' (anonymous)';
      const from = parent && parent.name ? ` extends ${parent.name}` : '';
      return `[class${own}${from}]`;
    }
    const kind = ['AsyncFunction', 'GeneratorFunction', 'AsyncGeneratorFunction'].includes(tag) ? tag
      : ['AsyncFunction', 'GeneratorFunction', 'AsyncGeneratorFunction'].includes(name) ? name : 'Function';
    return value.name ? `[${kind}: ${value.name}]` : `[${kind} (anonymous)]`;
  }

  function isError(value) {
    return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
  }

  // `name`, `message` and `stack` are already part of the first lines.
  function isRepeated(error, key) {
    return ['name', 'message', 'stack'].includes(key) && String(error.stack).includes(String(error[key]));
  }

  function errorBase(ctx, error, name) {
    let stack = typeof error.stack === 'string' && error.stack !== '' ? error.stack : Error.prototype.toString.call(error);
    const shown = typeof error.name === 'string' && error.name !== 'Error' ? error.name : name;
    const head = /^([A-Z][a-zA-Z0-9_]*)?Error(?=[:\s[]|$)/.exec(stack);
    if (head && shown && !stack.slice(0, stack.indexOf('\n') + 1 || undefined).includes(shown)) {
      stack = shown + stack.slice(head[0].length);
    }
    if (!stack.includes('\n    at')) stack = `[${stack}]`;
    return stack.replaceAll('\n', `\n${' '.repeat(ctx.indentation)}`);
  }

  // One line where it fits and is not too deep, columns for long lists, otherwise one line each.
  function joined(ctx, output, base, braces, list, level, count) {
    const before = base === '' ? '' : `${base} `;
    if (ctx.compact !== true && ctx.compact !== false) {
      const entries = output.length;
      if (list !== undefined && entries > 6) output = columns(ctx, output, list, count);
      if (ctx.reached - level < ctx.compact && entries === output.length) {
        const start = output.length + ctx.indentation + braces[0].length + base.length + 10;
        const line = output.join(', ');
        const length = output.reduce((sum, it) => sum + it.length, output.length + start);
        if (length <= ctx.breakLength && !line.includes('\n') && !base.includes('\n')) {
          return `${before}${braces[0]} ${line} ${braces[1]}`;
        }
      }
    }
    const margin = `\n${' '.repeat(ctx.indentation)}`;
    return `${before}${braces[0]}${margin}  ${output.join(`,${margin}  `)}${margin}${braces[1]}`;
  }

  function columns(ctx, output, list, count) {
    const GAP = 2;
    const hasRest = ctx.maxArrayLength < list.length;
    const cells = hasRest ? output.slice(0, ctx.maxArrayLength) : output.slice();
    const rest = output.slice(cells.length);
    if (output.length > count && !hasRest) return output;
    const widths = cells.map((it) => it.length + GAP);
    const widest = Math.max(...widths);
    const total = widths.reduce((sum, it) => sum + it, 0);
    const isWorthIt = widest * 3 + ctx.indentation < ctx.breakLength && (total / widest > 5 || widest - GAP <= 6);
    if (!isWorthIt) return output;
    const biased = Math.max(widest - 3 - Math.sqrt(widest - total / output.length), 1);
    const across = Math.min(
      Math.round(Math.sqrt(2.5 * biased * cells.length) / biased),
      Math.floor((ctx.breakLength - ctx.indentation) / widest),
      ctx.compact * 4,
      15,
    );
    if (across <= 1) return output;
    const column = Array.from({ length: across }, (_, at) =>
      Math.max(...widths.filter((_, index) => index % across === at)));
    const isNumeric = cells.every((_, at) => ['number', 'bigint'].includes(typeof list[at]));
    const rows = [];
    for (let from = 0; from < cells.length; from += across) {
      const row = cells.slice(from, from + across);
      const last = row.length - 1;
      rows.push(row.map((cell, at) => {
        if (isNumeric) return at === last ? cell.padStart(column[at] - GAP) : `${cell}, `.padStart(column[at]);
        return at === last ? cell : `${cell}, `.padEnd(column[at]);
      }).join(''));
    }
    return rows.concat(rest);
  }

  function number(value) {
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'symbol') return 'NaN';
    return primitive(DEFAULTS, Number(value));
  }

  function hasOwnText(value) {
    for (let at = value; at && at !== Object.prototype && at !== Error.prototype; at = Object.getPrototypeOf(at)) {
      if (Object.hasOwn(at, 'toString') && at !== Array.prototype && at !== Date.prototype) return true;
    }
    return false;
  }

  function placeholder(kind, value, options) {
    switch (kind) {
      case 's':
        if (typeof value === 'object' && value !== null) {
          if (hasOwnText(value)) return String(value);
          return inspect(value, { ...options, depth: 0, colors: false, compact: 3 });
        }
        return typeof value === 'string' ? value : typeof value === 'function' ? String(value) : primitive(DEFAULTS, value);
      case 'd': return typeof value === 'object' ? number(NaN === value ? value : Number(value)) : number(value);
      case 'i': return typeof value === 'bigint' ? `${value}n` : typeof value === 'symbol' ? 'NaN' : number(parseInt(value, 10));
      case 'f': return typeof value === 'symbol' ? 'NaN' : number(parseFloat(value));
      case 'j':
        try {
          return JSON.stringify(value);
        } catch (error) {
          if (String(error.message).includes('circular')) return '[Circular]';
          throw error;
        }
      case 'o': return inspect(value, { ...options, showHidden: true, showProxy: true, depth: 4 });
      case 'O': return inspect(value, options);
      default: return '';
    }
  }

  function formatWithOptions(options, ...args) {
    let text = '';
    let used = 0;
    if (args.length > 0 && typeof args[0] === 'string') {
      used = 1;
      text = args.length === 1 ? args[0] : args[0].replace(/%([sdifjoOc%])/g, (whole, kind) => {
        if (kind === '%') return '%';
        if (used === args.length) return whole;
        used += 1;
        return placeholder(kind, args[used - 1], options);
      });
    }
    const rest = args.slice(used).map((it) => (typeof it === 'string' ? it : inspect(it, options)));
    return (used > 0 ? [text, ...rest] : rest).join(' ');
  }

  return { inspect, formatWithOptions, format: (...args) => formatWithOptions({}, ...args) };
})
