// `process`, and the globals of Node that code expects to find.
(function (host, internals) {
  'use strict';

  const define = (name, value) =>
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  const lazily = (name, make) =>
    Object.defineProperty(globalThis, name, {
      configurable: true,
      enumerable: false,
      get() {
        const value = make();
        define(name, value);
        return value;
      },
      set(value) {
        define(name, value);
      },
    });

  const { environment, arch, version } = internals.facts;
  const started = host.uptime();
  // Variables are texts, whatever is assigned.
  const env = new Proxy(environment, {
    set(target, name, value) {
      target[name] = String(value);
      return true;
    },
  });
  const stream = (fd) => ({
    fd,
    isTTY: false,
    write(text, ...rest) {
      host.raw(String(text).replace(/\n$/, '').toWellFormed());
      const callback = rest.find((it) => typeof it === 'function');
      if (callback) internals.nextTick(callback);
      return true;
    },
  });
  const listeners = new Map();
  const hrtime = (before) => {
    const nanos = BigInt(Math.round(host.uptime() * 1e6));
    const now = [Number(nanos / 1000000000n), Number(nanos % 1000000000n)];
    if (before === undefined) return now;
    const nano = now[1] - before[1];
    return nano < 0 ? [now[0] - before[0] - 1, nano + 1e9] : [now[0] - before[0], nano];
  };
  hrtime.bigint = () => BigInt(Math.round(host.uptime() * 1e6));

  const process = {
    title: 'node',
    version: `v${version}`,
    versions: { node: version, quickjs: internals.facts.engine },
    release: { name: 'node' },
    arch,
    platform: 'linux',
    pid: 8,
    ppid: 1,
    argv: ['/var/lang/bin/node', '/var/runtime/index.mjs'],
    execArgv: [],
    execPath: '/var/lang/bin/node',
    env,
    exitCode: undefined,
    features: {},
    stdout: stream(1),
    stderr: stream(2),
    cwd: () => '/var/task',
    uptime: () => (host.uptime() - started) / 1000,
    hrtime,
    memoryUsage: () => {
      const used = host.memory();
      return { rss: used, heapTotal: used, heapUsed: used, external: 0, arrayBuffers: 0 };
    },
    nextTick: internals.nextTick,
    exit: (code) => {
      host.exit(Number(code ?? process.exitCode ?? 0));
      // The host stops the program at the next interrupt; nothing may run until then.
      for (;;);
    },
    abort: () => process.exit(134),
    emitWarning: (warning) => console.warn(`(node:${process.pid}) ${warning?.name ?? 'Warning'}: ${warning?.message ?? warning}`),
    on: (name, listener) => {
      listeners.set(name, [...(listeners.get(name) ?? []), listener]);
      return process;
    },
    off: (name, listener) => {
      listeners.set(name, (listeners.get(name) ?? []).filter((it) => it !== listener));
      return process;
    },
    emit: (name, ...args) => {
      const known = listeners.get(name) ?? [];
      for (const listener of known) listener.apply(process, args);
      return known.length > 0;
    },
    listeners: (name) => [...(listeners.get(name) ?? [])],
    listenerCount: (name) => (listeners.get(name) ?? []).length,
    removeAllListeners: (name) => {
      listeners.delete(name);
      return process;
    },
  };
  process.addListener = process.on;
  process.removeListener = process.off;
  process.once = process.on;
  Object.defineProperty(process, Symbol.toStringTag, { value: 'process', configurable: true });
  internals.process = process;

  define('process', process);
  define('global', globalThis);
  define('structuredClone', (value) => internals.builtin('structured-clone').clone(value));
  for (const name of ['Buffer', 'TextEncoder', 'TextDecoder', 'atob', 'btoa']) {
    lazily(name, () => internals.builtin('buffer')[name]);
  }
  lazily('crypto', () => internals.builtin('crypto').webcrypto);

  // The program's clock is the world's clock, and its dice are the world's dice.
  const RealDate = Date;
  function WorldDate(...args) {
    if (new.target === undefined) return new RealDate(host.now()).toString();
    return Reflect.construct(RealDate, args.length === 0 ? [host.now()] : args, new.target);
  }
  Object.defineProperty(WorldDate, 'length', { value: 7 });
  Object.defineProperty(WorldDate, 'name', { value: 'Date' });
  WorldDate.prototype = RealDate.prototype;
  Object.defineProperty(WorldDate.prototype, 'constructor', { value: WorldDate, writable: true, configurable: true, enumerable: false });
  define('Date', WorldDate);
  for (const [name, value] of [['now', () => Math.floor(host.now())], ['parse', RealDate.parse], ['UTC', RealDate.UTC]]) {
    Object.defineProperty(WorldDate, name, { value, writable: true, configurable: true, enumerable: false });
  }
  Math.random = () => host.random();
  define('performance', { now: () => host.uptime() - started, timeOrigin: host.now(), mark() {}, measure() {} });
})
