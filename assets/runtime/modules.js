// Where modules are found and how they are loaded: CommonJS here, ES modules through the host's loader.
(function (host, internals) {
  'use strict';

  const ROOT = '/var/task';
  const BUILTINS = new Set([
    'assert', 'assert/strict', 'buffer', 'console', 'crypto', 'events', 'path', 'path/posix', 'perf_hooks', 'process',
    'timers', 'timers/promises', 'util',
  ]);
  // Packages the runtime brings along, as Lambda's brings the SDK.
  const BUNDLED = new Map([['@aws-sdk/util-dynamodb', 'util-dynamodb']]);
  const WRAPPER = '(function (exports, require, module, __filename, __dirname) { ';

  const cache = Object.create(null);
  const packages = new Map();
  const wrapped = new Set();
  internals.wrapped = wrapped;
  internals.wrapperLength = WRAPPER.length;

  const dirname = (path) => path.slice(0, Math.max(path.lastIndexOf('/'), 1));
  const isRelative = (specifier) => /^\.{0,2}\/|^\.{1,2}$/.test(specifier);
  const isFile = (path) => host.kind(path) === 1;
  const isFolder = (path) => host.kind(path) === 2;

  function join(folder, specifier) {
    const parts = specifier.startsWith('/') ? [] : folder.split('/').slice(1);
    for (const part of specifier.split('/')) {
      if (part === '..') parts.pop();
      else if (part !== '' && part !== '.') parts.push(part);
    }
    return `/${parts.join('/')}`;
  }

  // package.json of a folder, or undefined.
  function packageOf(folder) {
    if (!packages.has(folder)) {
      const text = host.read(join(folder, 'package.json'));
      packages.set(folder, text === undefined ? undefined : JSON.parse(text));
    }
    return packages.get(folder);
  }

  // Whether a .js file is an ES module by its nearest package.json.
  internals.isModuleType = (path) => {
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      const found = packageOf(folder);
      if (found !== undefined) return found.type === 'module';
      if (folder === '/' || folder.endsWith('/node_modules')) return false;
    }
  };

  function asFile(path) {
    return [path, `${path}.js`, `${path}.json`, `${path}.cjs`, `${path}.mjs`].find(isFile);
  }

  function asFolder(path) {
    if (!isFolder(path)) return undefined;
    const main = packageOf(path)?.main;
    if (typeof main === 'string') {
      const target = join(path, main);
      const found = asFile(target) ?? asFile(join(target, 'index'));
      if (found !== undefined) return found;
    }
    return asFile(join(path, 'index'));
  }

  // The target of an entry of "exports" under the conditions of this kind of import.
  function target(entry, conditions) {
    if (typeof entry === 'string') return entry;
    if (Array.isArray(entry)) return entry.map((it) => target(it, conditions)).find((it) => it !== undefined);
    if (entry === null || typeof entry !== 'object') return undefined;
    for (const [condition, inner] of Object.entries(entry)) {
      if (condition === 'default' || conditions.includes(condition)) {
        const found = target(inner, conditions);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }

  function exported(exports, subpath, conditions) {
    const isMap = typeof exports === 'object' && exports !== null && Object.keys(exports).some((it) => it.startsWith('.'));
    const map = isMap ? exports : { '.': exports };
    if (subpath in map) return target(map[subpath], conditions);
    for (const [pattern, entry] of Object.entries(map)) {
      const [before, after] = pattern.split('*');
      if (after !== undefined && subpath.startsWith(before) && subpath.endsWith(after)) {
        const star = subpath.slice(before.length, subpath.length - after.length);
        return target(entry, conditions)?.replaceAll('*', star);
      }
    }
    return undefined;
  }

  function inPackages(specifier, from, conditions) {
    const parts = specifier.split('/');
    const name = parts.splice(0, specifier.startsWith('@') ? 2 : 1).join('/');
    for (let folder = from; ; folder = dirname(folder)) {
      const home = join(folder, `node_modules/${name}`);
      if (!folder.endsWith('/node_modules') && isFolder(home)) {
        const exports = packageOf(home)?.exports;
        if (exports !== undefined && exports !== null) {
          const found = exported(exports, ['.', ...parts].join('/'), conditions);
          return found === undefined ? undefined : asFile(join(home, found));
        }
        const path = join(home, parts.join('/'));
        const found = (parts.length > 0 ? asFile(path) : undefined) ?? asFolder(path);
        if (found !== undefined) return found;
      }
      if (folder === '/') return undefined;
    }
  }

  function builtinName(specifier) {
    const bare = specifier.replace(/^node:/, '');
    return BUILTINS.has(bare) ? bare : undefined;
  }

  // Built-in modules that are a part of something else.
  const PARTS = {
    'assert/strict': () => internals.builtin('assert').strict,
    console: () => globalThis.console,
    'path/posix': () => internals.builtin('path'),
    perf_hooks: () => ({ performance: globalThis.performance }),
    process: () => globalThis.process,
    'timers/promises': () => internals.builtin('timers').promises,
  };
  const loaded = new Map();
  internals.builtin = (name) => {
    if (!loaded.has(name)) {
      const module = { exports: {} };
      loaded.set(name, module);
      if (Object.hasOwn(PARTS, name)) module.exports = PARTS[name]();
      else host.builtin(name)(module.exports, internals.builtin, module, host, internals);
    }
    return loaded.get(name).exports;
  };

  function resolve(specifier, from) {
    if (isRelative(specifier)) {
      const path = join(from, specifier);
      return (specifier.endsWith('/') ? undefined : asFile(path)) ?? asFolder(path);
    }
    return inPackages(specifier, from, ['node', 'require']);
  }

  function missing(specifier, parent) {
    const stack = [];
    for (let at = parent; at; at = at.parent) stack.push(at.filename);
    stack.push('/var/runtime/index.mjs');
    const error = new Error(`Cannot find module '${specifier}'\nRequire stack:\n- ${stack.join('\n- ')}`);
    error.code = 'MODULE_NOT_FOUND';
    error.requireStack = stack;
    return error;
  }

  function Module(filename, parent) {
    this.id = filename;
    this.filename = filename;
    this.path = dirname(filename);
    this.exports = {};
    this.loaded = false;
    this.children = [];
    Object.defineProperty(this, 'parent', { value: parent, enumerable: false });
  }

  function requireFrom(module) {
    const require = (specifier) => {
      if (typeof specifier !== 'string' || specifier === '') {
        const error = new TypeError(`The "id" argument must be a non-empty string. Received ${internals.tools().inspect(specifier)}`);
        error.code = 'ERR_INVALID_ARG_TYPE';
        throw error;
      }
      const name = builtinName(specifier);
      if (name !== undefined) return internals.builtin(name);
      const path = resolve(specifier, module.path);
      if (path !== undefined) return load(path, module).exports;
      if (BUNDLED.has(specifier)) return internals.builtin(BUNDLED.get(specifier));
      throw missing(specifier, module);
    };
    require.resolve = (specifier) => {
      const found = builtinName(specifier) === undefined ? resolve(specifier, module.path) : specifier;
      if (found === undefined && !BUNDLED.has(specifier)) throw missing(specifier, module);
      return found ?? specifier;
    };
    require.cache = cache;
    require.main = undefined;
    return require;
  }

  function load(path, parent) {
    if (cache[path] !== undefined) return cache[path];
    const module = new Module(path, parent);
    cache[path] = module;
    parent?.children.push(module);
    try {
      run(module, path);
      module.loaded = true;
    } catch (error) {
      delete cache[path];
      throw error;
    }
    return module;
  }

  function run(module, path) {
    if (path.endsWith('.json')) {
      try {
        module.exports = JSON.parse(host.read(path));
      } catch (error) {
        error.message = `${path}: ${error.message}`;
        throw error;
      }
      return;
    }
    if (path.endsWith('.mjs') || (path.endsWith('.js') && internals.isModuleType(path))) {
      module.exports = host.importNow(`file://${path}`);
      return;
    }
    const body = compile(path);
    if (body === undefined) {
      module.exports = host.importNow(`file://${path}`);
      return;
    }
    body.call(module.exports, module.exports, requireFrom(module), module, path, module.path);
  }

  // The body of a CommonJS file as a function; undefined when it only makes sense as an ES module.
  function compile(path) {
    const source = host.read(path).replace(/^#!.*/, '');
    wrapped.add(path);
    try {
      // On the file's first line, so that every line keeps its number.
      return host.evaluate(`${WRAPPER}${source}\n})`, path);
    } catch (error) {
      if (error instanceof SyntaxError && !path.endsWith('.cjs')) {
        const verdict = host.tryModule(source, `file://${path}`);
        if (verdict === true) return undefined;
        if (verdict !== false && /^\s*(import|export)\b/m.test(source)) throw verdict;
      }
      throw error;
    }
  }

  internals.require = (path) => load(path, undefined).exports;
  internals.missing = (specifier) => missing(specifier, undefined);
  internals.asFolder = asFolder;
  internals.isFile = isFile;
  internals.join = (specifier) => join(ROOT, specifier);
  internals.resolvePackage = (specifier) => inPackages(specifier, ROOT, ['node', 'require']);
  // Whether this file compiles as an ES module only.
  internals.isModuleSyntax = (path) => {
    if (!path.endsWith('.js')) return path.endsWith('.mjs');
    return internals.isModuleType(path) || compile(path) === undefined;
  };

  // Names of ES modules: `file://<path>`, and with a kind before it what is made into one.
  internals.resolveImport = (base, specifier) => {
    if (/^(file|node|cjs|json|bundled):/.test(specifier) && builtinName(specifier) === undefined) return specifier;
    const builtin = builtinName(specifier);
    if (builtin !== undefined) return `node:${builtin}`;
    const from = base.replace(/^file:\/\//, '');
    let path;
    if (isRelative(specifier)) {
      path = join(dirname(from), specifier);
      if (!isFile(path)) throw notFound(`Cannot find module '${path}' imported from ${from}`);
    } else {
      path = inPackages(specifier, dirname(from), ['node', 'import']);
      if (path === undefined && BUNDLED.has(specifier)) return `bundled:${BUNDLED.get(specifier)}`;
      if (path === undefined) throw notFound(`Cannot find package '${specifier}' imported from ${from}`);
    }
    if (path.endsWith('.json')) return `json:${path}`;
    if (path.endsWith('.mjs') || (path.endsWith('.js') && (internals.isModuleType(path) || compile(path) === undefined))) {
      return `file://${path}`;
    }
    return `cjs:${path}`;
  };

  function notFound(message) {
    const error = new Error(message);
    error.code = 'ERR_MODULE_NOT_FOUND';
    return error;
  }

  // The source of an ES module by its name.
  internals.sourceOf = (name) => {
    const [, kind, rest] = /^(file:\/\/|node:|cjs:|json:|bundled:)(.*)$/s.exec(name);
    switch (kind) {
      case 'file://': return host.read(rest).replace(/^#!.*/, '');
      case 'json:': return `export default JSON.parse(${JSON.stringify(host.read(rest))});`;
      case 'cjs:': return reexport(`require(${JSON.stringify(rest)})`, internals.require(rest));
      default: return reexport(`builtin(${JSON.stringify(rest)})`, internals.builtin(rest));
    }
  };

  // A module whose default export is this value, and whose names are the value's members.
  function reexport(expression, value) {
    const isObject = value !== null && (typeof value === 'object' || typeof value === 'function');
    const names = isObject ? Object.keys(value).filter((it) => it !== 'default') : [];
    const lines = names.map((name, at) => `const v${at} = it[${JSON.stringify(name)}];`);
    const exports = names.map((name, at) => `v${at} as ${JSON.stringify(name)}`).join(', ');
    return `const it = globalThis.__runtime__.${expression};export default it;${lines.join('')}export {${exports}};`;
  }
})
