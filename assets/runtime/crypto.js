// Random values and digests, as a small part of Node's `crypto`.
(function (exports, require, module, host) {
  'use strict';

  const { Buffer } = require('buffer');

  const randomBytes = (size) => Buffer.from(Array.from({ length: size }, () => Math.floor(host.random() * 256)));

  class Hash {
    #name;
    #parts = [];
    constructor(name) {
      this.#name = name;
    }
    update(data, encoding) {
      this.#parts.push(typeof data === 'string' ? Buffer.from(data, encoding) : Buffer.from(data));
      return this;
    }
    digest(encoding) {
      const bytes = Buffer.from(host.digest(this.#name, Array.from(Buffer.concat(this.#parts))));
      return encoding === undefined || encoding === 'buffer' ? bytes : bytes.toString(encoding);
    }
  }

  function createHash(name) {
    const known = String(name).toLowerCase().replace('-', '');
    if (known !== 'sha256' && known !== 'md5') {
      const error = new Error('Digest method not supported');
      error.code = 'ERR_CRYPTO_INVALID_DIGEST';
      throw error;
    }
    return new Hash(known);
  }

  const webcrypto = {
    randomUUID: () => host.uuid(),
    getRandomValues: (view) => {
      const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      bytes.set(randomBytes(bytes.length));
      return view;
    },
  };

  module.exports = {
    ...webcrypto,
    randomBytes,
    randomInt: (least, most) => {
      const [from, to] = most === undefined ? [0, least] : [least, most];
      return from + Math.floor(host.random() * (to - from));
    },
    createHash,
    webcrypto,
  };
})
