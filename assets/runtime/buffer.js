// Bytes as Node's `Buffer`, and the web's text encoders.
(function (exports, require, module, host) {
  'use strict';

  const INSPECT = Symbol.for('nodejs.util.inspect.custom');
  const NAMES = {
    utf8: 'utf8', 'utf-8': 'utf8', hex: 'hex', base64: 'base64', base64url: 'base64url', ascii: 'ascii',
    latin1: 'latin1', binary: 'latin1', ucs2: 'utf16le', 'ucs-2': 'utf16le', utf16le: 'utf16le', 'utf-16le': 'utf16le',
  };

  function encodingOf(name) {
    const known = NAMES[String(name ?? 'utf8').toLowerCase()];
    if (known === undefined) {
      const error = new TypeError(`Unknown encoding: ${name}`);
      error.code = 'ERR_UNKNOWN_ENCODING';
      throw error;
    }
    return known;
  }

  const units = (text, width) => {
    const bytes = new Uint8Array(text.length * width);
    for (let at = 0; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      bytes[at * width] = code;
      if (width === 2) bytes[at * 2 + 1] = code >> 8;
    }
    return bytes;
  };

  function bytesOf(text, name) {
    switch (encodingOf(name)) {
      case 'hex': {
        const digits = /^([0-9a-fA-F]{2})*/.exec(text)[0];
        return Uint8Array.from({ length: digits.length / 2 }, (_, at) => parseInt(digits.slice(at * 2, at * 2 + 2), 16));
      }
      case 'base64':
      case 'base64url': return host.fromBase64(text);
      case 'ascii':
      case 'latin1': return units(text, 1);
      case 'utf16le': return units(text, 2);
      default: return host.encode(text.toWellFormed());
    }
  }

  function textOf(bytes, name) {
    switch (encodingOf(name)) {
      case 'hex': return Array.from(bytes, (it) => it.toString(16).padStart(2, '0')).join('');
      case 'base64': return host.toBase64(Array.from(bytes), false);
      case 'base64url': return host.toBase64(Array.from(bytes), true);
      case 'ascii': return Array.from(bytes, (it) => String.fromCharCode(it & 0x7f)).join('');
      case 'latin1': return Array.from(bytes, (it) => String.fromCharCode(it)).join('');
      case 'utf16le': {
        let text = '';
        for (let at = 0; at + 1 < bytes.length; at += 2) text += String.fromCharCode(bytes[at] | (bytes[at + 1] << 8));
        return text;
      }
      default: return host.decode(Array.from(bytes));
    }
  }

  class Buffer extends Uint8Array {
    static from(value, encodingOrOffset, length) {
      if (typeof value === 'string') return over(bytesOf(value, encodingOrOffset));
      if (value instanceof ArrayBuffer) return new Buffer(value, encodingOrOffset, length);
      if (ArrayBuffer.isView(value) || Array.isArray(value)) return over(Uint8Array.from(value));
      if (value?.type === 'Buffer' && Array.isArray(value.data)) return over(Uint8Array.from(value.data));
      const primitive = value?.valueOf?.();
      if (typeof primitive === 'string') return Buffer.from(primitive, encodingOrOffset);
      if (typeof value === 'object' && value !== null && typeof value.length === 'number') return over(Uint8Array.from(value));
      const error = new TypeError('The first argument must be of type string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object.');
      error.code = 'ERR_INVALID_ARG_TYPE';
      throw error;
    }

    static alloc(size, fill, encoding) {
      const made = new Buffer(size);
      return fill === undefined ? made : made.fill(fill, 0, size, encoding);
    }

    static allocUnsafe(size) {
      return new Buffer(size);
    }

    static byteLength(value, encoding) {
      return typeof value === 'string' ? bytesOf(value, encoding).length : value.byteLength;
    }

    static concat(list, total = list.reduce((sum, it) => sum + it.length, 0)) {
      const made = new Buffer(total);
      let at = 0;
      for (const part of list) {
        const fitting = part.subarray(0, Math.max(total - at, 0));
        made.set(fitting, at);
        at += fitting.length;
      }
      return made;
    }

    static isBuffer(value) {
      return value instanceof Buffer;
    }

    static isEncoding(name) {
      return typeof name === 'string' && NAMES[name.toLowerCase()] !== undefined;
    }

    static compare(a, b) {
      const length = Math.min(a.length, b.length);
      for (let at = 0; at < length; at += 1) {
        if (a[at] !== b[at]) return a[at] < b[at] ? -1 : 1;
      }
      return Math.sign(a.length - b.length);
    }

    toString(encoding, start = 0, end = this.length) {
      return textOf(Uint8Array.prototype.subarray.call(this, start, end), encoding);
    }

    toJSON() {
      return { type: 'Buffer', data: Array.from(this) };
    }

    equals(other) {
      return Buffer.compare(this, other) === 0;
    }

    compare(other) {
      return Buffer.compare(this, other);
    }

    subarray(start, end) {
      const part = new Uint8Array(this.buffer, this.byteOffset, this.length).subarray(start, end);
      return new Buffer(part.buffer, part.byteOffset, part.length);
    }

    slice(start, end) {
      return this.subarray(start, end);
    }

    write(text, offset = 0, length = this.length - offset, encoding = 'utf8') {
      if (typeof offset === 'string') return this.write(text, 0, this.length, offset);
      if (typeof length === 'string') return this.write(text, offset, this.length - offset, length);
      const bytes = bytesOf(text, encoding).subarray(0, Math.min(length, this.length - offset));
      this.set(bytes, offset);
      return bytes.length;
    }

    copy(target, at = 0, start = 0, end = this.length) {
      const part = this.subarray(start, Math.min(end, start + target.length - at));
      target.set(part, at);
      return part.length;
    }

    fill(value, start = 0, end = this.length, encoding = 'utf8') {
      const pattern = typeof value === 'number' ? [value] : typeof value === 'string' ? bytesOf(value, encoding) : value;
      for (let at = start; at < end; at += 1) this[at] = pattern.length === 0 ? 0 : pattern[(at - start) % pattern.length];
      return this;
    }

    indexOf(value, from = 0, encoding = 'utf8') {
      if (typeof value === 'number') return Uint8Array.prototype.indexOf.call(this, value, from);
      const wanted = typeof value === 'string' ? bytesOf(value, encoding) : value;
      for (let at = from; at + wanted.length <= this.length; at += 1) {
        if (wanted.every((byte, index) => this[at + index] === byte)) return at;
      }
      return -1;
    }

    includes(value, from, encoding) {
      return this.indexOf(value, from, encoding) !== -1;
    }

    [INSPECT]() {
      const shown = Array.from(this.subarray(0, 50), (it) => it.toString(16).padStart(2, '0')).join(' ');
      const left = this.length - 50;
      return `<Buffer${shown === '' ? '' : ` ${shown}`}${left > 0 ? ` ... ${left} more byte${left > 1 ? 's' : ''}` : ''}>`;
    }
  }

  const over = (bytes) => new Buffer(bytes.buffer, bytes.byteOffset, bytes.length);

  // readUInt16BE and its like, by way of a view.
  for (const [name, kind, width] of [
    ['Int8', 'Int8', 1], ['UInt8', 'Uint8', 1], ['Int16', 'Int16', 2], ['UInt16', 'Uint16', 2], ['Int32', 'Int32', 4],
    ['UInt32', 'Uint32', 4], ['BigInt64', 'BigInt64', 8], ['BigUInt64', 'BigUint64', 8], ['Float', 'Float32', 4], ['Double', 'Float64', 8],
  ]) {
    for (const [suffix, isLittle] of width === 1 ? [['', true]] : [['LE', true], ['BE', false]]) {
      const view = (it) => new DataView(it.buffer, it.byteOffset, it.byteLength);
      const methods = {
        [`read${name}${suffix}`](at = 0) {
          return view(this)[`get${kind}`](at, isLittle);
        },
        [`write${name}${suffix}`](value, at = 0) {
          view(this)[`set${kind}`](at, value, isLittle);
          return at + width;
        },
      };
      for (const [method, value] of Object.entries(methods)) {
        const attributes = { value, writable: true, configurable: true, enumerable: false };
        Object.defineProperty(Buffer.prototype, method, attributes);
        Object.defineProperty(Buffer.prototype, method.replace('UInt', 'Uint'), attributes);
      }
    }
  }

  class TextEncoder {
    get encoding() {
      return 'utf-8';
    }
    encode(text = '') {
      return host.encode(String(text).toWellFormed());
    }
  }

  class TextDecoder {
    #name;
    #isFatal;
    constructor(label = 'utf-8', { fatal = false } = {}) {
      this.#name = encodingOf(label);
      this.#isFatal = fatal;
    }
    get encoding() {
      return this.#name === 'utf8' ? 'utf-8' : this.#name;
    }
    decode(value = new Uint8Array()) {
      const bytes = value instanceof ArrayBuffer ? new Uint8Array(value) : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
      const text = textOf(bytes, this.#name);
      if (this.#isFatal && this.#name === 'utf8' && host.encode(text).length !== bytes.length) {
        const error = new TypeError('The encoded data was not valid for encoding utf-8');
        error.code = 'ERR_ENCODING_INVALID_ENCODED_DATA';
        throw error;
      }
      return text.replace(/^\ufeff/, '');
    }
  }

  module.exports = {
    Buffer,
    TextEncoder,
    TextDecoder,
    atob: (text) => textOf(host.fromBase64(String(text)), 'latin1'),
    btoa: (text) => host.toBase64(Array.from(units(String(text), 1)), false),
    constants: { MAX_LENGTH: 2 ** 31 - 1, MAX_STRING_LENGTH: 2 ** 29 - 24 },
    kMaxLength: 2 ** 31 - 1,
  };
})
