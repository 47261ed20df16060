/** The slideshow as global functions. */

import { find } from '../base.js';
import { publish } from '../qu.js';
import { Slideshow, slideshowOf } from '../slideshow.js';

/** A global function that does something with the slideshow of a container; without one it gives nothing back. */
function withShow(deed) {
  return (container, ...values) => {
    const show = slideshowOf(container);
    if (!show) return undefined;
    deed(show, ...values);
    return false;
  };
}

publish({
  slideshow_view_init: (container, options, events) => {
    const element = find(container);
    if (element) new Slideshow(element, options, events);
    return false;
  },
  slideshow_view_start: withShow((show) => show.start()),
  slideshow_view_stop: withShow((show) => show.stop()),
  slideshow_view_prev: withShow((show) => show.goBy(-1)),
  slideshow_view_next: withShow((show) => show.goBy(1)),
  slideshow_view_index: withShow((show, index) => show.goTo(index)),
  slideshow_view_resize: withShow((show) => show.resize()),
});
