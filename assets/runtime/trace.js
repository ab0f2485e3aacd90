// Stack traces in the form of V8's: a head line and one line for each call.
(function (host, internals) {
  'use strict';

  function place(site) {
    const file = site.getFileName();
    let column = site.getColumnNumber();
    const line = site.getLineNumber();
    // The wrapper of a CommonJS file stands before its first line.
    if (line === 1 && internals.wrapped?.has(file)) column -= internals.wrapperLength;
    return `${file}:${line}:${Math.max(column, 1)}`;
  }

  function described(site) {
    const name = site.getFunctionName();
    if (site.isNative()) return `    at ${name || '<anonymous>'} (<anonymous>)`;
    return name ? `    at ${name} (${place(site)})` : `    at ${place(site)}`;
  }

  // The runtime's own calls are no part of the program's story.
  const isOwn = (site) => String(site.getFileName()).startsWith('/var/runtime/') && !site.isNative();

  function namesOf(error) {
    const names = new Set();
    for (let at = Object.getPrototypeOf(error); at && at !== Error.prototype; at = Object.getPrototypeOf(at)) {
      const found = Object.getOwnPropertyDescriptor(at, 'constructor');
      if (typeof found?.value === 'function' && found.value.name) names.add(found.value.name);
    }
    return names;
  }

  // Messages people know by heart from V8.
  const REWORDED = [
    [/^cannot read property '(.*)' of (null|undefined)$/s, "Cannot read properties of $2 (reading '$1')"],
    [/^cannot set property '(.*)' of (null|undefined)$/s, "Cannot set properties of $2 (setting '$1')"],
  ];

  function reword(error) {
    for (const [pattern, text] of REWORDED) {
      if (pattern.test(error.message)) error.message = error.message.replace(pattern, text);
    }
  }

  Error.prepareStackTrace = (error, sites) => {
    let head;
    try {
      if (error instanceof TypeError) reword(error);
      head = Error.prototype.toString.call(error);
    } catch {
      head = '<error>';
    }
    const shown = sites.filter((site) => !isOwn(site));
    // The constructors of the error itself are no part of it either.
    const constructors = namesOf(error);
    while (shown.length > 0 && constructors.has(shown[0].getFunctionName())) shown.shift();
    while (shown.length > 0 && shown.at(-1).isNative()) shown.pop();
    return [head, ...shown.map(described)].join('\n');
  };
})
