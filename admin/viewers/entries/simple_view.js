/** The simple viewer as global functions. */

import { find } from '../base.js';
import { publish } from '../qu.js';
import { Simple, simpleOf } from '../simple.js';

function reset(element) {
  const viewer = simpleOf(element);
  if (viewer) viewer.reset();
  return false;
}

publish({
  simple_view_init: (container, url) => {
    const element = find(container);
    if (element && url) new Simple(element, url);
    return false;
  },
  simple_view_init_image: (image) => {
    const element = find(image);
    if (element && element.src) new Simple(element.parentElement, element.src, element);
    return false;
  },
  simple_view_reset: reset,
  simple_view_reset_image: reset,
});
