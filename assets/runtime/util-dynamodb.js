// DynamoDB's typed values to plain ones and back, with the names and rules of `@aws-sdk/util-dynamodb`.
(function (exports) {
  'use strict';

  class NumberValue {
    constructor(value) {
      this.value = String(typeof value === 'object' ? (value.N ?? value.value) : value);
    }
    static from(value) {
      return new NumberValue(value);
    }
    toAttributeValue() {
      return { N: this.value };
    }
    toBigInt() {
      return BigInt(this.value);
    }
    toString() {
      return this.value;
    }
    valueOf() {
      return this.value;
    }
  }

  const isBinary = (value) => value instanceof ArrayBuffer || ArrayBuffer.isView(value);
  const isLeftOut = (value, options) => value === undefined && options.removeUndefinedValues;
  const isPlain = (value) => {
    const prototype = Object.getPrototypeOf(value);
    return prototype === null || prototype === Object.prototype;
  };

  function numberAttribute(value) {
    if (Number.isNaN(value) || Math.abs(value) === Infinity) throw new Error(`Special numeric value ${value} is not allowed`);
    if (value > Number.MAX_SAFE_INTEGER) {
      throw new Error(`Number ${value} is greater than Number.MAX_SAFE_INTEGER. Use NumberValue from @aws-sdk/lib-dynamodb.`);
    }
    if (value < Number.MIN_SAFE_INTEGER) {
      throw new Error(`Number ${value} is lesser than Number.MIN_SAFE_INTEGER. Use NumberValue from @aws-sdk/lib-dynamodb.`);
    }
    return { N: String(value) };
  }

  function setAttribute(set, options) {
    const values = [...set].filter((it) => !isLeftOut(it, options));
    if (set.has(undefined) && !options.removeUndefinedValues) throw undefinedValue('map/array/set');
    if (values.length === 0) {
      if (options.convertEmptyValues) return { NULL: true };
      throw new Error('Pass a non-empty set, or options.convertEmptyValues=true.');
    }
    const [first] = values;
    if (first instanceof NumberValue) return { NS: values.map(String) };
    if (typeof first === 'number') return { NS: values.map((it) => numberAttribute(it).N) };
    if (typeof first === 'bigint') return { NS: values.map(String) };
    if (typeof first === 'string') return { SS: values };
    if (isBinary(first)) return { BS: values };
    throw new Error(`Only Number Set (NS), Binary Set (BS), String Set (SS) are allowed.`);
  }

  const undefinedValue = (where) => new Error(`Pass options.removeUndefinedValues=true to remove undefined values from ${where}.`);

  function mapAttribute(entries, options) {
    const M = {};
    for (const [key, value] of entries) {
      if (typeof value !== 'function' && !isLeftOut(value, options)) M[key] = convertToAttr(value, options);
    }
    return { M };
  }

  function convertToAttr(value, options = {}) {
    if (value === undefined) throw undefinedValue('map/array/set');
    if (value === null) return { NULL: true };
    if (Array.isArray(value)) {
      const items = value.filter((it) => typeof it !== 'function' && !isLeftOut(it, options));
      return { L: items.map((it) => convertToAttr(it, options)) };
    }
    if (value instanceof Set) return setAttribute(value, options);
    if (value instanceof Map) return mapAttribute(value, options);
    if (value instanceof NumberValue) return value.toAttributeValue();
    if (isBinary(value)) {
      return (value.length ?? value.byteLength) === 0 && options.convertEmptyValues ? { NULL: true } : { B: value };
    }
    if (typeof value === 'boolean' || value instanceof Boolean) return { BOOL: value.valueOf() };
    if (typeof value === 'number' || value instanceof Number) return numberAttribute(value.valueOf());
    if (typeof value === 'bigint') return { N: value.toString() };
    if (typeof value === 'string' || value instanceof String) {
      return value.length === 0 && options.convertEmptyValues ? { NULL: true } : { S: value.toString() };
    }
    if (typeof value === 'object' && (isPlain(value) || options.convertClassInstanceToMap)) {
      return mapAttribute(Object.entries(value), options);
    }
    throw new Error(`Unsupported type passed: ${value}. Pass options.convertClassInstanceToMap=true to marshall typeof object as map attribute.`);
  }

  function plainNumber(text, options) {
    if (typeof options.wrapNumbers === 'function') return options.wrapNumbers(text);
    if (options.wrapNumbers) return NumberValue.from(text);
    const number = Number(text);
    const isSpecial = Number.isNaN(number) || Math.abs(number) === Infinity;
    if (Math.abs(number) > Number.MAX_SAFE_INTEGER && !isSpecial) {
      try {
        return BigInt(text);
      } catch {
        throw new Error(`${text} can't be converted to BigInt. Set options.wrapNumbers to get string value.`);
      }
    }
    return number;
  }

  function convertToNative(data, options = {}) {
    for (const [key, value] of Object.entries(data)) {
      if (value === undefined) continue;
      switch (key) {
        case 'NULL': return null;
        case 'BOOL': return Boolean(value);
        case 'N': return plainNumber(value, options);
        case 'B': return value;
        case 'S': return value;
        case 'L': return value.map((it) => convertToNative(it, options));
        case 'M': return fromEntries(value, options);
        case 'NS': return new Set(value.map((it) => plainNumber(it, options)));
        case 'BS': return new Set(value);
        case 'SS': return new Set(value);
        default: throw new Error(`Unsupported type passed: ${key}`);
      }
    }
    throw new Error(`No value defined: ${JSON.stringify(data)}`);
  }

  function fromEntries(map, options) {
    const out = {};
    for (const [key, value] of Object.entries(map)) out[key] = convertToNative(value, options);
    return out;
  }

  function marshall(data, options = {}) {
    const attribute = convertToAttr(data, options);
    const [[kind, inner]] = Object.entries(attribute);
    return (kind === 'M' || kind === 'L') && !options.convertTopLevelContainer ? inner : attribute;
  }

  const unmarshall = (data, options = {}) =>
    (options.convertWithoutMapWrapper ? convertToNative(data, options) : convertToNative({ M: data }, options));

  Object.assign(exports, { marshall, unmarshall, convertToAttr, convertToNative, NumberValueImpl: NumberValue });
})
