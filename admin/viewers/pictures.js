/** Loading pictures: a few at a time, again if it fails, never those that nobody wants any more. */

import { Failure, blobOf, patiently } from './requests.js';

const AT_ONCE = 6;

function loadedImage(url, signal) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    const stop = () => {
      image.src = '';
      reject(new DOMException('not wanted any more', 'AbortError'));
    };
    if (signal) signal.addEventListener('abort', stop);
    const settle = (deed) => () => {
      if (signal) signal.removeEventListener('abort', stop);
      deed();
    };
    image.onload = settle(() => resolve(image));
    image.onerror = settle(() => reject(new Failure(0)));
    image.src = url;
  });
}

async function once(url, token, signal) {
  if (!token) return loadedImage(url, signal);
  const local = URL.createObjectURL(await blobOf(url, token, signal));
  try {
    return await loadedImage(local, signal);
  } finally {
    URL.revokeObjectURL(local);
  }
}

/** A picture, loaded; asked for again twice if it does not come. */
export function picture(url, token, signal) {
  return patiently(async () => {
    if (signal && signal.aborted) throw new Failure(410);
    return once(url, token, signal);
  });
}

/** What a viewer wants to have loaded at the moment, in order of need. */
export class Wishes {
  /** `got(key, image)` is called for each that comes, `changed()` whenever something begins or ends. */
  constructor({ token, got, changed }) {
    this.token = token;
    this.got = got;
    this.changed = changed;
    this.waiting = [];
    this.running = new Map();
    this.failed = new Set();
  }

  get busy() {
    return this.running.size > 0;
  }

  /** Wish for these `{key, url}` and for nothing else: what waited is dropped, what runs for nothing is ended. */
  want(list) {
    const keys = new Set(list.map((wish) => wish.key));
    for (const [key, control] of this.running) {
      if (!keys.has(key)) {
        this.running.delete(key);
        control.abort();
      }
    }
    this.waiting = list.filter((wish) => !this.running.has(wish.key) && !this.failed.has(wish.key));
    this.next();
  }

  next() {
    while (this.running.size < AT_ONCE && this.waiting.length) this.start(this.waiting.shift());
    this.changed();
  }

  async start({ key, url }) {
    const control = new AbortController();
    this.running.set(key, control);
    let image = null;
    try {
      image = await picture(url, this.token, control.signal);
    } catch {
      if (!control.signal.aborted) this.failed.add(key);
    }
    if (this.running.get(key) !== control) return;
    this.running.delete(key);
    if (image) this.got(key, image);
    this.next();
  }

  end() {
    this.want([]);
  }
}
