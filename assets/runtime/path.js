// Paths with slashes, as Node's `path.posix`.
(function (exports, require, module) {
  'use strict';

  function text(value, name) {
    if (typeof value !== 'string') {
      const error = new TypeError(`The "${name}" argument must be of type string. Received ${value === null ? 'null' : typeof value}`);
      error.code = 'ERR_INVALID_ARG_TYPE';
      throw error;
    }
    return value;
  }

  function parts(path, isRooted) {
    const out = [];
    for (const part of path.split('/')) {
      if (part === '..' && out.length > 0 && out.at(-1) !== '..') out.pop();
      else if (part === '..' && !isRooted) out.push('..');
      else if (part !== '' && part !== '.' && part !== '..') out.push(part);
    }
    return out;
  }

  const isAbsolute = (path) => text(path, 'path').startsWith('/');

  function normalize(path) {
    if (text(path, 'path') === '') return '.';
    const isRooted = path.startsWith('/');
    const inner = parts(path, isRooted).join('/');
    const tail = path.endsWith('/') && inner !== '' ? '/' : '';
    if (inner === '') return isRooted ? '/' : path.endsWith('/') ? './' : '.';
    return (isRooted ? '/' : '') + inner + tail;
  }

  function join(...paths) {
    const given = paths.map((it) => text(it, 'path')).filter((it) => it !== '');
    return given.length === 0 ? '.' : normalize(given.join('/'));
  }

  function resolve(...paths) {
    let path = '';
    for (const part of paths.map((it) => text(it, 'path')).reverse()) {
      path = part === '' ? path : path === '' ? part : `${part}/${path}`;
      if (path.startsWith('/')) break;
    }
    if (!path.startsWith('/')) path = `/var/task/${path}`;
    return `/${parts(path, true).join('/')}`;
  }

  function basename(path, suffix) {
    const base = text(path, 'path').replace(/\/+$/, '').split('/').pop();
    return suffix !== undefined && base !== suffix && base.endsWith(suffix) ? base.slice(0, -suffix.length) : base;
  }

  function dirname(path) {
    const trimmed = text(path, 'path').replace(/(?!^)\/+$/, '');
    const at = trimmed.lastIndexOf('/');
    if (at < 0) return '.';
    return trimmed.slice(0, at).replace(/\/+$/, '') || '/';
  }

  function extname(path) {
    const base = basename(path);
    const at = base.lastIndexOf('.');
    return at > 0 && base !== '..' ? base.slice(at) : '';
  }

  function relative(from, to) {
    const here = resolve(from).split('/').filter(Boolean);
    const there = resolve(to).split('/').filter(Boolean);
    let same = 0;
    while (same < here.length && same < there.length && here[same] === there[same]) same += 1;
    return [...here.slice(same).fill('..'), ...there.slice(same)].join('/');
  }

  function parse(path) {
    const base = basename(path);
    const ext = extname(path);
    const root = isAbsolute(path) ? '/' : '';
    const dir = path.replace(/\/+$/, '').includes('/') ? dirname(path) : '';
    return { root, dir: dir === '' ? root : dir, base, ext, name: ext === '' ? base : base.slice(0, -ext.length) };
  }

  function format({ root = '', dir, base, name = '', ext = '' }) {
    const file = base ?? `${name}${ext === '' || ext.startsWith('.') ? ext : `.${ext}`}`;
    if (!dir) return root + file;
    return dir === root ? dir + file : `${dir}/${file}`;
  }

  const path = { sep: '/', delimiter: ':', isAbsolute, normalize, join, resolve, basename, dirname, extname, relative, parse, format, toNamespacedPath: (it) => it };
  path.posix = path;
  module.exports = path;
})
