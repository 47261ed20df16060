/** The gallery as global functions. Its main view is the zoom viewer's script, whichever of the two is loaded first. */

import { find } from '../base.js';
import { Gallery, galleryOf, galleryOnClick, galleryOnClickAll } from '../gallery.js';
import { publish } from '../qu.js';

function zoom(container, url, options, events) {
  window.canvas_view_init(container, url, options, events);
  return container._cv_viewer;
}

publish({
  gallery_view_init: (container, options, events) => {
    const element = find(container);
    if (element) new Gallery(element, options, events, zoom);
    return false;
  },
  gallery_view_resize: (container) => {
    const gallery = galleryOf(container);
    if (gallery) gallery.resize();
    return false;
  },
  gallery_view_init_fullscreen: (element, options, events) => {
    const found = find(element);
    if (found) galleryOnClick(found, options, events, zoom);
    return false;
  },
  gallery_view_init_all_fullscreen: (className, options, events) => {
    galleryOnClickAll(className, options, events, zoom);
    return false;
  },
});
