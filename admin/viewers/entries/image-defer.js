/** The lazy loader, which starts by itself. A page may have set `ImageDefer = {options: …}` before. */

import { Defer } from '../defer.js';

if (!(window.ImageDefer && window.ImageDefer.version)) {
  window.ImageDefer = new Defer(window.ImageDefer && window.ImageDefer.options);
}
