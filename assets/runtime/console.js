// The console as the Node runtime of Lambda patches it: one line of the log for each call.
(function (host, internals) {
  'use strict';

  let tools;
  internals.tools = () => {
    tools ??= host.builtin('inspect')(host);
    return tools;
  };

  // Most lines are texts and numbers: no need for the inspector then.
  function format(args) {
    if (args.length === 1 && typeof args[0] === 'string') return args[0];
    return internals.tools().format(...args);
  }

  const groups = [];
  const line = (level) => (...args) => {
    const text = format(args);
    const margin = groups.join('');
    const shown = margin === '' ? text : margin + text.replaceAll('\n', `\n${margin}`);
    host.log(level, shown.toWellFormed(), ...internals.structured(args));
  };
  const counts = new Map();
  const starts = new Map();
  const since = (label) => `${label}: ${duration(host.uptime() - starts.get(label))}`;

  function duration(millis) {
    if (millis >= 1000) return `${(millis / 1000).toFixed(3)}s`;
    return `${Number(millis.toFixed(3))}ms`;
  }

  const log = line('INFO');
  const warn = line('WARN');
  const console = {
    log,
    info: line('INFO'),
    warn,
    error: line('ERROR'),
    debug: line('DEBUG'),
    trace: line('TRACE'),
    fatal: line('FATAL'),
    dir: (value, options) => host.raw(internals.tools().inspect(value, { customInspect: false, ...options }).toWellFormed()),
    dirxml: log,
    assert: (holds, ...args) => {
      if (holds) return;
      if (typeof args[0] === 'string') warn(`Assertion failed: ${args[0]}`, ...args.slice(1));
      else warn('Assertion failed', ...args);
    },
    count: (label = 'default') => {
      const count = (counts.get(String(label)) ?? 0) + 1;
      counts.set(String(label), count);
      log(`${label}: ${count}`);
    },
    countReset: (label = 'default') => {
      counts.delete(String(label));
    },
    group: (...args) => {
      if (args.length > 0) log(...args);
      groups.push('  ');
    },
    groupCollapsed: (...args) => console.group(...args),
    groupEnd: () => {
      groups.pop();
    },
    table: log,
    time: (label = 'default') => {
      starts.set(String(label), host.uptime());
    },
    timeEnd: (label = 'default') => {
      if (starts.has(String(label))) log(since(String(label)));
      starts.delete(String(label));
    },
    timeLog: (label = 'default', ...args) => {
      if (starts.has(String(label))) log(since(String(label)), ...args);
    },
  };
  Object.defineProperty(globalThis, 'console', { value: console, writable: true, configurable: true, enumerable: false });
})
